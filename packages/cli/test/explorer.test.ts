import type { Receipt } from '@aitbc/sdk';
import { beforeAll, expect, test } from 'vitest';
import { mineOne, withCoordinator } from './coordinator.ts';

const coordinator = withCoordinator();
let receipt: Receipt;

beforeAll(async () => {
  await coordinator.client.jobs.submit({ prompt: 'p', model: 'explored' });
  receipt = await mineOne(coordinator.client, 'explored');
  await coordinator.client.receipts.waitForProof(receipt.receipt_id);
});

/** Returns the output of `aitbc explorer`. */
const shown = async (...argv: string[]) => (await coordinator.aitbc(['explorer', ...argv])).stdout;
const read = async (...argv: string[]) => JSON.parse(await shown(...argv, '--json'));

test('the blocks are listed, newest first', async () => {
  const [head, newest] = (await shown('blocks')).split('\n');
  expect(head).toMatch(/^HEIGHT +HASH +ENTRIES +TRANSACTIONS +BYTES +TIME$/);
  expect(newest).toMatch(/^1 +[0-9a-f]{64} +1 +1 +\d+ +20/);
});

test('a block is shown with its checkpoint, by its height as by its hash', async () => {
  const block = await read('block', '1');
  expect(await shown('block', block.hash)).toBe(await shown('block', '1'));
  expect(await shown('block', '1')).toMatch(/^Block +1\nHash +[0-9a-f]{64}\n.*\n\n.*\/ledger\n1\n.*\n\n— /s);
});

test('a transaction is shown with its statement', async () => {
  const [listed] = await read('transactions', '--block', '1', '--address', receipt.provider);
  const text = await shown('transaction', listed.hash);
  expect(text).toMatch(new RegExp(`^Id +${receipt.receipt_id}$`, 'm'));
  expect(JSON.parse(text.slice(text.indexOf('\n\n')))).toEqual(receipt);
});

test('an address is shown with what it has', async () => {
  const text = await shown('address', receipt.provider);
  expect(text).toMatch(/^Balance +\S+\nJobs +0\nJobs run +1\nReceipts +1\nTransactions +1$/m);
});

test('a search lists what it has found', async () => {
  const kinds = (await shown('search', receipt.job_id)).split('\n').map(line => line.split(' ')[0]);
  expect(kinds.slice(0, 4)).toEqual(['KIND', 'job', 'receipt', 'transaction']);
});

test.each([
  [['block', '17'], 1, 'BLOCK_NOT_FOUND'],
  [['search', 'nothing'], 0, 'None.'],
  [['address', 'ait1'], 2, 'address'],
])('explorer %j names what does not exist', async (argv, exitCode, said) => {
  const answer = await coordinator.aitbc(['explorer', ...argv]);
  expect(answer).toMatchObject({ exitCode, stdout: '', stderr: expect.stringContaining(said) });
});
