import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startCoordinator } from '@aitbc/coordinator';
import { CoordinatorClient, type Receipt } from '@aitbc/sdk';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { mineOne } from './coordinator.ts';
import { aitbc } from './terminal.ts';

/** Starts a coordinator that has published its empty ledger and does not publish again during the tests. */
let stop = async () => {};
let receipt: Receipt;
let vkey = '';
let env: Record<string, string> = {};

beforeAll(async () => {
  const folder = await mkdtemp(join(tmpdir(), 'aitbc-cli-'));
  const running = await startCoordinator({
    port: 0,
    data: join(folder, 'data'),
    logLevel: 'silent',
    ledgerInterval: 3600,
  });
  stop = async () => {
    await running.close();
    await rm(folder, { recursive: true, force: true });
  };
  const client = new CoordinatorClient(running.url);
  env = { AITBC_COORDINATOR: running.url };
  vkey = await client.ledger.vkey();
  await untilPublished(running.url);
  await client.jobs.submit({ prompt: 'Hello!', model: 'pending' });
  receipt = await mineOne(client, 'pending');
});
afterAll(() => stop());

async function untilPublished(url: string): Promise<void> {
  while ((await fetch(`${url}/ledger/checkpoint`)).status !== 200);
}

test('an unpublished receipt is valid so far, and the output says so', async () => {
  const { exitCode, stdout, stderr } = await aitbc(['receipt', 'verify', receipt.receipt_id], { env });
  expect(exitCode).toBe(0);
  expect(stdout).toMatch(/^· +inclusion +the ledger has not published it yet$/m);
  expect(stderr).toContain('--wait waits for it');
});

test('with the ledger’s key an unpublished receipt is not valid yet', async () => {
  const argv = ['receipt', 'verify', receipt.receipt_id, '--vkey', vkey];
  const { exitCode, stdout, stderr } = await aitbc(argv, { env });
  expect(exitCode).toBe(1);
  expect(stdout).toMatch(/^✗ +inclusion +the ledger has not published it yet$/m);
  expect(stderr).toContain('--wait waits for it');
});

test('waiting for it times out', async () => {
  const argv = ['receipt', 'verify', receipt.receipt_id, '--vkey', vkey, '--wait', '1'];
  const { exitCode, stderr, spun } = await aitbc(argv, { env });
  expect(exitCode).toBe(1);
  expect(stderr).toContain('inclusion');
  expect(spun).toEqual([`Waiting until the ledger has published ${receipt.receipt_id}`]);
});

test('waiting for it can be interrupted', async () => {
  const argv = ['receipt', 'proof', receipt.receipt_id, '--wait'];
  const { exitCode, stdout } = await aitbc(argv, { env, interrupt: pressed => pressed() });
  expect({ exitCode, stdout }).toEqual({ exitCode: 130, stdout: '' });
});

test('there is no proof of it to print yet', async () => {
  const { exitCode, stdout, stderr } = await aitbc(['receipt', 'proof', receipt.receipt_id], { env });
  expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' });
  expect(stderr).toContain('has not published this receipt yet');
});

test('a receipt that does not exist has no proof', async () => {
  const { exitCode, stderr } = await aitbc(['receipt', 'proof', 'rcpt-none', '--wait'], { env });
  expect({ exitCode, stderr }).toEqual({ exitCode: 1, stderr: expect.stringContaining('RECEIPT_NOT_FOUND') });
});
