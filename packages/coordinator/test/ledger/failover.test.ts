import { copyFile, mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AddressDay, MinerJob, PublishedReceipt, Receipt } from '@aitbc/protocol';
import { parseCheckpoint, parseNote } from '@aitbc/tlog';
import { Client } from 'pg';
import { expect, onTestFinished, test, vi } from 'vitest';
import { type PostgresServer, startPostgres } from '../../../../test/postgres.ts';
import { type RunningCoordinator, restore, startCoordinator } from '../../src/index.ts';
import { runStep } from '../../src/store/store.ts';
import { createMigratedDatabase } from '../harness/engines.ts';
import { violations } from '../invariants/violations.ts';
import { type Gate, openGate } from '../replicas/gate.ts';

const DATABASE = 'aitbc';
const WAIT = { timeout: 30_000 };

/** A database with a standby, and a gate that leads coordinators to either. */
async function runCluster() {
  const primary = await startPostgres();
  onTestFinished(() => primary.stop());
  const gate = await openGate(await primary.createDatabase(DATABASE));
  onTestFinished(() => gate.close());
  const data = await mkdtemp(join(tmpdir(), 'aitbc-failover-'));
  onTestFinished(() => rm(data, { recursive: true, force: true }));
  return { primary, gate, data };
}

async function start(gate: Gate, data: string): Promise<RunningCoordinator> {
  const signingKey = join(data, '..', 'signing-key.pem');
  const coordinator = await startCoordinator({
    ...{ data, signingKey, databaseUrl: gate.url, port: 0, logLevel: 'silent' },
    // The test publishes itself.
    ...{ ledgerInterval: 3600, databaseTimeoutSeconds: 2 },
  });
  onTestFinished(() => coordinator.close());
  return coordinator;
}

async function call<Body>({ url }: RunningCoordinator, path: string, body?: object): Promise<Body> {
  const headers = { 'content-type': 'application/json' };
  const response = await fetch(url + path, body && { method: 'POST', headers, body: JSON.stringify(body) });
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  return (await response.json()) as Body;
}

/** Has a job run, which is an entry of the ledger, and answers the id of its receipt. */
async function earn(coordinator: RunningCoordinator): Promise<string> {
  await call(coordinator, '/v1/miners/register', { miner_id: 'earner', capabilities: ['earned'] });
  await call(coordinator, '/v1/jobs', { prompt: 'Hello', model: 'earned' });
  const { jobs } = await call<{ jobs: MinerJob[] }>(coordinator, '/v1/miners/earner/claims', { max: 1 });
  const path = `/v1/jobs/${jobs[0]?.job_id}/complete`;
  return (await call<Receipt>(coordinator, path, { miner_id: 'earner', result: 'Hello' })).receipt_id;
}

async function sizeOn(server: PostgresServer): Promise<number> {
  const client = new Client(server.url(DATABASE));
  await client.connect();
  const { rows } = await client.query('SELECT size FROM checkpoint ORDER BY height DESC LIMIT 1');
  await client.end();
  return Number(rows[0]?.size);
}

const guardOf = async (data: string) => {
  const note = await readFile(join(data, 'ledger-checkpoint'), 'utf8');
  return { note, size: parseCheckpoint(parseNote(note).text).size };
};

test('a standby that lagged, promoted while coordinators run, makes none of them sign a second history', {
  timeout: 180_000,
}, async () => {
  const { primary, gate, data: folder } = await runCluster();
  const [data, otherData] = [join(folder, 'one'), join(folder, 'other')];
  const coordinator = await start(gate, data);
  for (const _ of [1, 2]) await earn(coordinator);
  await coordinator.publish();
  await mkdir(otherData);
  await copyFile(join(data, 'ledger-checkpoint'), join(otherData, 'ledger-checkpoint'));
  const other = await start(gate, otherData);

  const standby = await primary.startStandby();
  onTestFinished(() => standby.stop());
  await vi.waitUntil(async () => (await sizeOn(standby)) === 2, WAIT);
  await standby.cutOff();
  for (const _ of [1, 2]) await earn(coordinator);
  await coordinator.publish();
  // The other one has published nothing, and records what was.
  await other.publish();
  const [before, otherBefore] = [await guardOf(data), await guardOf(otherData)];
  expect([before.size, otherBefore.size]).toEqual([4, 4]);

  await primary.kill();
  await standby.promote();
  gate.moveTo(standby.url(DATABASE));
  gate.breakAll();
  const receipt = await vi.waitFor(() => earn(coordinator), WAIT);

  for (const each of [coordinator, other]) {
    await vi.waitFor(() => each.publish(), WAIT);
    expect(each.modules.ledger.conflict()?.message).toMatch(
      /has 3 entries, but the checkpoint that was signed last .* is over 4.*`aitbc restore`/,
    );
    expect((await fetch(`${each.url}/health/ready`)).status).toBe(503);
  }
  // Also where it has as many entries again.
  for (const _ of [1, 2]) await earn(coordinator);
  await coordinator.publish();
  expect(coordinator.modules.ledger.conflict()?.message).toMatch(/has other entries than the checkpoint/);
  expect(await sizeOn(standby)).toBe(2);
  expect([await guardOf(data), await guardOf(otherData)]).toEqual([before, otherBefore]);
  expect(await call<PublishedReceipt>(coordinator, `/v1/receipts/${receipt}`)).toMatchObject({
    inclusion: null,
  });

  // The primary is lost for good: a new ledger goes on with what the standby has.
  await expect(restore(coordinator.config)).rejects.toThrow('a coordinator runs on this database');
  const { address } = await call<{ address: string }>(coordinator, '/v1/account');
  const balance = () => call<{ balance: number }>(coordinator, `/explorer/addresses/${address}`);
  const owed = await balance();
  await coordinator.close();
  await other.close();
  const restored = await restore(coordinator.config);
  expect(restored).toMatchObject({
    ledger: 'new',
    restore: { previous: { tree_size: 5 }, newest: { tree_size: 4 } },
  });
  const again = await start(gate, data);
  // Its own file is of the ledger before: what the first one publishes is recorded there.
  const otherAgain = await start(gate, otherData);
  await again.publish();
  await otherAgain.publish();
  expect((await again.modules.ledger.latest())?.size).toBe((restored.restore?.accounts ?? 0) + 1);
  expect((await guardOf(otherData)).note).toBe((await guardOf(data)).note);
  expect((await fetch(`${again.url}/health/ready`)).status).toBe(200);
  expect(await call(again, `/explorer/addresses/${address}`)).toMatchObject({ balance: owed.balance });
  await runStep(again.modules.store, again.modules.operations.countAccountDays);
  const days = await call<AddressDay[]>(again, `/explorer/addresses/${address}/days`);
  expect(days.map(({ balance, transactions }) => [balance, transactions])).toEqual([[owed.balance, 1]]);
  expect(await violations(again.modules.store.read)).toEqual([]);
});

test('a restore finds the coordinator whose connections have just broken, and not the one that is cut off, which signs nothing any more', async () => {
  const databaseUrl = await createMigratedDatabase();
  const gate = await openGate(databaseUrl);
  onTestFinished(() => gate.close());
  const folder = await mkdtemp(join(tmpdir(), 'aitbc-cut-off-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const data = join(folder, 'one');
  const coordinator = await start(gate, data);
  await earn(coordinator);
  await coordinator.publish();
  const before = await guardOf(data);
  const restoring = { ...coordinator.config, databaseUrl, ledgerCheckpoint: join(folder, 'none') };

  gate.breakAll();
  await expect(restore(restoring)).rejects.toThrow('a coordinator runs on this database');

  gate.rule(() => 'cut');
  gate.breakAll();
  expect(await restore(restoring)).toMatchObject({ ledger: 'new' });
  gate.open();
  await vi.waitFor(() => earn(coordinator), WAIT);
  await vi.waitFor(() => coordinator.publish(), WAIT);
  expect(coordinator.modules.ledger.conflict()?.message).toMatch(/^The store has begun a new ledger/);
  expect((await fetch(`${coordinator.url}/health/ready`)).status).toBe(503);
  expect(await guardOf(data)).toEqual(before);
  expect(await coordinator.modules.ledger.latest()).toBeUndefined();
});
