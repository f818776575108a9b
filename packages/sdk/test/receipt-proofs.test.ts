import { canonicalBytes, receiptEntry } from '@aitbc/receipts';
import { leafHash, parseTlogProof, parseVkey, verifyTlogProof } from '@aitbc/tlog';
import { beforeAll, expect, test } from 'vitest';
import { openLedger, type PublishedReceipt, type Receipt, TimeoutError } from '../src/index.ts';
import { mineOne, withCoordinator } from './coordinator.ts';
import { answer, brokenNetwork } from './network.ts';

const coordinator = withCoordinator();
let receipt: Receipt;
beforeAll(async () => {
  await coordinator.client.jobs.submit({ prompt: 'Hello!', model: 'proven' });
  receipt = await mineOne(coordinator.client, 'proven');
});

test('a receipt comes with the proof of its place in the ledger', async () => {
  const { client } = coordinator;
  const proof = await client.receipts.waitForProof(receipt.receipt_id);
  const log = parseVkey(await client.ledger.vkey());
  const { index } = await verifyTlogProof(proof, leafHash(receiptEntry(receipt)), { log });
  expect(parseTlogProof(proof).extra).toEqual(canonicalBytes(receipt));
  const published: PublishedReceipt = await client.receipts.get(receipt.receipt_id);
  expect(published.inclusion?.logIndex).toBe(String(index));
});

test("a coordinator's ledger is read like any log", async () => {
  const { client, url } = coordinator;
  await client.receipts.waitForProof(receipt.receipt_id);
  const ledger = openLedger(`${url}/ledger`, { vkey: await client.ledger.vkey() });
  const entries = await Array.fromAsync(ledger.tree(await ledger.checkpoint()).entries());
  expect(entries.map(({ bytes }) => JSON.parse(new TextDecoder().decode(bytes)))).toEqual([receipt]);
});

const problem = (retry_after?: number) =>
  answer(404, { error_code: 'RECEIPT_NOT_FOUND', detail: 'Not there', ...(retry_after && { retry_after }) });

test('waiting for a proof uses the coordinator’s Retry-After', async () => {
  const proof = (response: { end(text: string): void }) => response.end('proof');
  const { client, slept } = await brokenNetwork([problem(2), problem(1), proof]);
  expect(await client.receipts.waitForProof('rcpt-1')).toBe('proof');
  expect(slept).toEqual([2000, 1000]);
});

const untilAborted = (_: number, signal?: AbortSignal) =>
  new Promise<void>((_, reject) => {
    // On a busy machine the time is over before the wait begins.
    if (signal?.aborted) reject(signal.reason);
    else signal?.addEventListener('abort', () => reject(signal.reason));
  });

test('a receipt that is not published in time is a timeout', async () => {
  const { client } = await brokenNetwork([problem(1)], { sleep: untilAborted });
  const waiting = client.receipts.waitForProof('rcpt-1', { timeout: 50 });
  await expect(waiting).rejects.toThrow(TimeoutError);
  await expect(waiting).rejects.toThrow('had not published rcpt-1 after 0.05 s');
});

test('an unknown receipt is not waited for', async () => {
  const { client, seen } = await brokenNetwork([problem()]);
  await expect(client.receipts.waitForProof('rcpt-1')).rejects.toMatchObject({
    errorCode: 'RECEIPT_NOT_FOUND',
  });
  expect(seen).toHaveLength(1);
});
