import { expect, test } from 'vitest';
import { CoordinatorClient } from '../src/index.ts';
import { mineOne, withCoordinator } from './coordinator.ts';

const coordinator = withCoordinator();

test('the base URL may end in a slash and in /api', async () => {
  const client = new CoordinatorClient(`${coordinator.url}/api/`);
  expect(await client.health()).toMatchObject({ status: 'ok' });
});

test('a base URL that is not http is an error', () => {
  expect(() => new CoordinatorClient('ftp://127.0.0.1')).toThrow(TypeError);
});

test("a wrong key in the tutorial's argument is an error", async () => {
  const client = new CoordinatorClient(coordinator.url, 'wrong');
  await expect(Array.fromAsync(client.jobs.list())).rejects.toMatchObject({ errorCode: 'AUTH_INVALID_KEY' });
});

test("null in the tutorial's argument means no key", async () => {
  const client = new CoordinatorClient(coordinator.url, null);
  expect(await Array.fromAsync(client.jobs.list({ model: 'none' }))).toEqual([]);
});

test('the statistics count jobs, miners and receipts', async () => {
  const { client } = coordinator;
  const before = await client.stats();
  await client.jobs.submit({ prompt: 'p', model: 'counted' });
  await mineOne(client, 'counted');
  const { total_jobs, completed_jobs } = await client.stats();
  expect({ total_jobs, completed_jobs }).toEqual({
    total_jobs: before.total_jobs + 1,
    completed_jobs: before.completed_jobs + 1,
  });
});

test('the explorer shows the receipts and the statistics to everyone', async () => {
  const { client } = coordinator;
  await client.jobs.submit({ prompt: 'p', model: 'explored' });
  const receipt = await mineOne(client, 'explored');
  const shown = await Array.fromAsync(client.explorer.receipts());
  expect(shown.map(receipt => receipt.receipt_id)).toContain(receipt.receipt_id);
  expect(await client.explorer.stats()).toMatchObject(await client.stats());
});

test('the explorer lists blocks, transactions and addresses, page by page', async () => {
  const { client } = coordinator;
  await client.jobs.submit({ prompt: 'p', model: 'listed' });
  const receipt = await mineOne(client, 'listed');
  await client.receipts.waitForProof(receipt.receipt_id);
  const { explorer } = client;
  const [block] = await Array.fromAsync(explorer.blocks({ limit: 1 }));
  const [transaction] = await Array.fromAsync(explorer.transactions({ limit: 1, address: receipt.provider }));
  expect(transaction).toMatchObject({ id: receipt.receipt_id, height: block?.height });
  expect(await Array.fromAsync(explorer.transactions({ limit: 1, block: block?.hash ?? '' }))).toContainEqual(
    transaction,
  );
  expect(await explorer.block(block?.height ?? -1)).toEqual(await explorer.block(block?.hash ?? ''));
  expect(await explorer.transaction(transaction?.hash ?? '')).toMatchObject({ statement: receipt });
  expect(await explorer.address(receipt.provider)).toMatchObject({ jobs_run: 1, transactions: 1 });
});

test('the explorer finds objects by id, and an unknown one is an error', async () => {
  const { explorer } = coordinator.client;
  const [genesis] = (await Array.fromAsync(explorer.blocks())).slice(-1);
  expect(await explorer.search(genesis?.hash ?? '')).toEqual([
    { kind: 'block', id: genesis?.hash, path: `/explorer/blocks/${genesis?.hash}` },
  ]);
  await expect(explorer.block(1e12)).rejects.toMatchObject({ errorCode: 'BLOCK_NOT_FOUND' });
});
