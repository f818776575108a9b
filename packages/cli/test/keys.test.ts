import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { aitbc } from './terminal.ts';

let data = '';
beforeAll(async () => {
  data = await mkdtemp(join(tmpdir(), 'aitbc-keys-'));
});
afterAll(() => rm(data, { recursive: true, force: true }));

const keys = (...argv: string[]) => aitbc(['keys', ...argv, '--data', data]);

/** Returns the names of the keys that a list in JSON has. */
async function listed(...argv: string[]): Promise<string[]> {
  const { stdout } = await keys('list', '--json', ...argv);
  return JSON.parse(stdout).map(({ name }: { name: string }) => name);
}

test('keys are listed newest first up to the limit, and the output says when there are more', async () => {
  for (const name of ['first', 'second', 'third']) await keys('create', '--scope', 'client', '--name', name);
  expect(await listed()).toEqual(['third', 'second', 'first']);
  expect(await listed('--limit', '2')).toEqual(['third', 'second']);
  expect((await keys('list', '--limit', '2')).stderr).toContain('There are more: --limit N');
  expect((await keys('list', '--limit', '3')).stderr).toBe('');
});

test('a limit that is not a positive number is rejected', async () => {
  for (const limit of ['0', 'all']) {
    expect(await keys('list', '--limit', limit)).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('--limit'),
    });
  }
});

test('keys have a tier and a highest priority, which the list shows', async () => {
  await keys('create', '--scope', 'client', '--tier', 'gold', '--max-priority', '5');
  const { stdout } = await keys('list', '--json', '--limit', '1');
  expect(JSON.parse(stdout)).toMatchObject([{ tier: 'gold', max_priority: 5 }]);
  expect(await keys('create', '--scope', 'client', '--max-priority', '11')).toMatchObject({
    exitCode: 2,
    stderr: expect.stringContaining('from -10 to 10'),
  });
});

test.each([
  ['keys list', ['keys', 'list']],
  ['keys revoke', ['keys', 'revoke', 'key-01kc0pq5w8e4z9k3v7t2m6n1rx']],
  ['keys change', ['keys', 'change', 'key-01kc0pq5w8e4z9k3v7t2m6n1rx', '--name', 'mistyped']],
  ['keys rotate', ['keys', 'rotate', 'key-01kc0pq5w8e4z9k3v7t2m6n1rx']],
  ['backup', ['backup', 'copy']],
  ['store export', ['store', 'export', 'export.jsonl.gz']],
])('%s of a folder without a store fails and creates nothing', async (_, argv) => {
  const mistyped = join(data, 'mistyped');
  const folder = await mkdtemp(join(tmpdir(), 'aitbc-nothing-'));
  const targets = argv.map(word => (/^(copy|export\.)/.test(word) ? join(folder, word) : word));
  const { exitCode, stderr } = await aitbc([...targets, '--data', mistyped]);
  expect(exitCode).not.toBe(0);
  expect(stderr).toContain(mistyped);
  expect(existsSync(mistyped)).toBe(false);
  expect(await readdir(folder)).toEqual([]);
  await rm(folder, { recursive: true });
});

test('keys create creates a missing store and says so once', async () => {
  const create = ['keys', 'create', '--scope', 'client', '--data', join(data, 'new')];
  expect((await aitbc(create)).stderr).toContain('a new store was created there');
  expect((await aitbc(create)).stderr).not.toContain('a new store');
});
