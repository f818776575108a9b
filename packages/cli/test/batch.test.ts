import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { mineOne, withCoordinator } from './coordinator.ts';

const coordinator = withCoordinator();

const lines = (model: string, ...ids: string[]) =>
  ids
    .map(custom_id => ({
      ...{ custom_id, method: 'POST', url: '/v1/chat/completions' },
      body: { model, messages: [{ role: 'user', content: 'Hello!' }] },
    }))
    .map(request => `${JSON.stringify(request)}\n`)
    .join('');

test('a file of requests is answered, and its results are lines of JSON in their order', async () => {
  const path = join(coordinator.folder, 'requests.jsonl');
  await writeFile(path, lines('batched', 'one', 'two'));
  const submitted = coordinator.aitbc(['batch', 'submit', path, '--wait']);
  for (let job = 0; job < 2; job++) await mineOne(coordinator.client, 'batched');
  const { exitCode, stdout, spun } = await submitted;
  const results = stdout
    .trim()
    .split('\n')
    .map(line => JSON.parse(line));
  expect(results.map(({ custom_id, response }) => [custom_id, response.status_code])).toEqual([
    ['one', 200],
    ['two', 200],
  ]);
  expect(exitCode).toBe(0);
  expect(spun.at(-1)).toMatch(/completed: 2 of 2 answered, 0 failed$/);
  const [file] = (await coordinator.client.files.list({ purpose: 'batch' }).page()).items;
  expect(file?.filename).toBe('requests.jsonl');
});

test('a batch from the standard input is listed, shown and cancelled', async () => {
  const stdin = lines('nobody-has-it', 'one', 'two', 'three');
  const submitted = await coordinator.aitbc(['batch', 'submit', '-', '--window', '7d'], { stdin });
  const id = submitted.stdout.trim();
  expect(submitted.stderr).toContain(`aitbc batch get ${id}`);
  const { stdout: listed } = await coordinator.aitbc(['batch', 'list', '--limit', '1']);
  expect(listed).toMatch(new RegExp(`^BATCH +STATUS +ANSWERED +FAILED +OF +CREATED\n${id} `));
  const { stdout: shown } = await coordinator.aitbc(['batch', 'get', id]);
  expect(shown).toMatch(/^Endpoint +\/v1\/chat\/completions$/m);
  const early = await coordinator.aitbc(['batch', 'results', id]);
  expect([early.exitCode, early.stderr]).toEqual([1, expect.stringContaining('has not ended')]);
  const cancelled = await coordinator.aitbc(['batch', 'cancel', id]);
  expect(cancelled.stdout).toMatch(/cancel/);
  await coordinator.client.batches.wait(id, { poll: 0.05 });
  const { exitCode, stderr } = await coordinator.aitbc(['batch', 'results', id]);
  expect([exitCode, stderr]).toEqual([1, expect.stringContaining('given up')]);
});

test('a file with a request that is wrong fails with the line that is', async () => {
  const stdin = `${lines('m', 'one')}{"custom_id":"two"}\n`;
  const { exitCode, stdout, stderr } = await coordinator.aitbc(['batch', 'submit', '-', '--wait'], { stdin });
  expect([exitCode, stdout]).toEqual([1, '']);
  expect(stderr).toMatch(/^line 2: /m);
});

test('what is no file of requests is not uploaded, and what can not be begun is not left behind', async () => {
  const before = await Array.fromAsync(coordinator.client.files.list());
  const no = await coordinator.aitbc(['batch', 'submit', '-'], { stdin: 'Hello!\n' });
  expect([no.exitCode, no.stderr]).toEqual([1, expect.stringContaining('is no request with a url')]);
  const missing = await coordinator.aitbc(['batch', 'submit', join(coordinator.folder, 'none.jsonl')]);
  expect([missing.exitCode, missing.stderr]).toEqual([1, expect.stringContaining('can not be read')]);
  const wrong = await coordinator.aitbc(['batch', 'submit', '-', '--window', 'soon'], {
    stdin: lines('m', '1'),
  });
  expect([wrong.exitCode, wrong.stderr]).toEqual([1, expect.stringContaining('completion_window')]);
  expect(await Array.fromAsync(coordinator.client.files.list())).toEqual(before);
});
