import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startCoordinator } from '@aitbc/coordinator';
import { CoordinatorClient, type Job } from '@aitbc/sdk';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { mineOne } from './coordinator.ts';
import { aitbc } from './terminal.ts';

/** A completed job whose texts the coordinator has erased. */
let erased: Job;
let run: (...argv: string[]) => ReturnType<typeof aitbc>;
let stop = async () => {};

beforeAll(async () => {
  const data = await mkdtemp(join(tmpdir(), 'aitbc-erased-'));
  let now = Date.parse('2026-01-24T15:00:00Z');
  const options = { port: 0, data, logLevel: 'silent', retentionDays: 1, sweepSeconds: 60 };
  const coordinator = await startCoordinator({ ...options, now: () => now });
  const client = new CoordinatorClient(coordinator.url);
  const { job_id } = await client.jobs.submit({ prompt: 'What is 6 times 7?', model: 'erased' });
  await mineOne(client, 'erased', '42');
  now += 24 * 3600 * 1000;
  await coordinator.sweep();
  erased = await client.jobs.get(job_id);
  run = (...argv) => aitbc(argv, { env: { AITBC_COORDINATOR: coordinator.url } });
  stop = async () => {
    await coordinator.close();
    await rm(data, { recursive: true });
  };
});
afterAll(() => stop());

test('a job with erased texts is shown with the time of erasure and no result', async () => {
  const { stdout } = await run('jobs', 'get', erased.job_id);
  expect(stdout).toMatch(/^Status +completed$/m);
  expect(stdout).toMatch(/^Erased +2026-01-25 15:00:00Z: prompt and result are no longer stored\n$/m);
});

test('its receipt is verified, and the output says how to compare own texts', async () => {
  const { exitCode, stderr } = await run('receipt', 'verify', erased.job_id);
  expect(exitCode).toBe(0);
  expect(stderr).toContain(`--salt ${erased.salt}`);
});

test('own texts are compared with its receipt', async () => {
  const own = ['--salt', erased.salt, '--prompt', 'What is 6 times 7?', '--result', '42'];
  const { exitCode, stdout } = await run('receipt', 'verify', erased.job_id, ...own);
  expect(exitCode).toBe(0);
  expect(stdout).toMatch(/^✓ +prompt .*\n✓ +result /m);
});
