import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type RunningCoordinator, startCoordinator } from '@aitbc/coordinator';
import { verifyReceipt } from '@aitbc/receipts';
import { CoordinatorClient, type Job, type Receipt } from '@aitbc/sdk';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { mineOne } from './coordinator.ts';
import { aitbc, type Terminal } from './terminal.ts';

let folder = '';
let coordinator: RunningCoordinator;
let client: CoordinatorClient;
const path = (name: string) => join(folder, name);
const backup = (to: string, terminal?: Terminal) =>
  aitbc(['backup', path(to), '--data', path('data')], terminal);
const start = (data: string) => startCoordinator({ port: 0, data, logLevel: 'silent' });

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'aitbc-backup-'));
  coordinator = await start(path('data'));
  client = new CoordinatorClient(coordinator.url);
});
afterAll(async () => {
  await coordinator.close();
  await rm(folder, { recursive: true });
});

/** Submits and completes jobs one after the other until it is stopped. */
function keepSubmitting() {
  const jobs: Job[] = [];
  let isOver = false;
  const submitting = (async () => {
    while (!isOver) jobs.push(await client.jobs.submit({ prompt: 'Meanwhile', model: 'unmined' }));
  })();
  return async () => {
    isOver = true;
    await submitting;
    return jobs;
  };
}

/** Starts a coordinator on a restored backup. */
async function restore(from: string) {
  const argv = ['restore', path(from), '--data', path(`${from}-restored`)];
  expect(await aitbc(argv)).toMatchObject({ exitCode: 0, stdout: `${path(`${from}-restored`)}\n` });
  const restored = await start(path(`${from}-restored`));
  return { restored, of: new CoordinatorClient(restored.url) };
}

test('a backup made while jobs come in restores to one moment of that time', async () => {
  const large = Array.from({ length: 50 }, () => ({ prompt: 'x'.repeat(100_000), model: 'unmined' }));
  const before = await client.jobs.submitBatch(large);
  await client.jobs.submit({ prompt: 'What is 6 times 7?', model: 'm' });
  const receipt: Receipt = await mineOne(client, 'm', '42');
  const stop = keepSubmitting();
  const made = await backup('during');
  const meanwhile = await stop();
  expect(made).toMatchObject({ exitCode: 0, stdout: `${path('during')}\n` });

  const { restored, of } = await restore('during');
  const jobs = await Array.fromAsync(of.jobs.list({ limit: 100, model: 'unmined' }));
  const ids = [...before, ...meanwhile].map(job => job.job_id);
  expect(jobs.map(job => job.job_id).toReversed()).toEqual(ids.slice(0, jobs.length));
  expect(jobs.length).toBeGreaterThanOrEqual(before.length);
  expect((await of.stats()).pending_jobs).toBe(jobs.length);
  expect(
    (await verifyReceipt(await of.receipts.get(receipt.receipt_id), { keys: await of.signingKeys.list() }))
      .valid,
  ).toBe(true);
  await of.jobs.submit({ prompt: 'And 7 times 8?', model: 'm' });
  expect((await mineOne(of, 'm', '56')).signature.key_id).toBe(receipt.signature.key_id);
  await restored.close();
});

test('a backup is two files that only their owner can read', async () => {
  await backup('private');
  expect((await readdir(path('private'))).toSorted()).toEqual(['coordinator.db', 'signing-key.pem']);
  const modes = ['private', 'private/coordinator.db', 'private/signing-key.pem'].map(async name => {
    return (await stat(path(name))).mode & 0o777;
  });
  expect(await Promise.all(modes)).toEqual([0o700, 0o600, 0o600]);
});

test('a backup creates its folder and the folders above', async () => {
  expect((await backup('new/and/deep')).exitCode).toBe(0);
  expect(existsSync(path('new/and/deep/coordinator.db'))).toBe(true);
});

test.each(['a file', 'a folder', 'an empty folder'])('a backup does not overwrite %s', async what => {
  const to = what.replaceAll(' ', '-');
  if (what === 'a file') await writeFile(path(to), 'precious');
  else await mkdir(path(to));
  if (what === 'a folder') await writeFile(path(`${to}/precious`), 'precious');
  expect(await backup(to)).toMatchObject({
    exitCode: 1,
    stderr: expect.stringContaining(`${path(to)} exists`),
  });
  expect(existsSync(path(`${to}/coordinator.db`))).toBe(false);
  if (what === 'a file') expect(await readFile(path(to), 'utf8')).toBe('precious');
});

test('a failed or interrupted backup leaves nothing behind', async () => {
  const before = await readdir(folder);
  const failed = await aitbc(['backup', path('failed'), '--data', path('nowhere')]);
  expect(failed).toMatchObject({
    exitCode: 2,
    stderr: expect.stringContaining('no coordinator has kept anything'),
  });
  const interrupted = await backup('interrupted', { interrupt: pressed => pressed() });
  expect(interrupted).toMatchObject({ exitCode: 130, stderr: expect.stringContaining('Stopped') });
  expect(await readdir(folder)).toEqual(before);
});

test('a backup of PostgreSQL refers to PostgreSQL’s own tools', async () => {
  const argv = ['backup', path('postgres'), '--database-url', 'postgres://127.0.0.1/aitbc'];
  expect(await aitbc(argv)).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('pg_dump') });
});

test('data without a signing key is backed up without it, and the output says so', async () => {
  await aitbc(['migrate', '--data', path('unsigned-data')]);
  const argv = ['backup', path('unsigned'), '--json', '--data', path('unsigned-data')];
  expect(JSON.parse((await aitbc(argv)).stdout)).toEqual({ folder: path('unsigned'), signing_key: false });
  expect(await readdir(path('unsigned'))).toEqual(['coordinator.db']);
});
