import type { PublicKeys, PublishedVerification, VerificationStatement } from '@aitbc/protocol';
import { canonicalJson } from '@aitbc/receipts';
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  createIds,
  createKey,
  openStore,
  type RunningCoordinator,
  readConfig,
  startCoordinator,
} from '../../src/index.ts';
import type { Store } from '../../src/store/store.ts';
import { type Database, type DatabaseOptions, describeEachEngine } from '../harness/engines.ts';
import { randomNumbers } from '../harness/random.ts';
import { falseReceipts, violations } from '../invariants/violations.ts';
import { type Acknowledged, type Load, pay, type Reply, type Send, startLoad, submit } from './load.ts';
import { type ServerProcess, spawnServer } from './server.ts';

const KILLS = Number(process.env.AITBC_CRASH_KILLS ?? 4);
const SEED = Number(process.env.AITBC_CRASH_SEED ?? 20_260_124);

/** The suite keeps a machine busy, for which no submission is to be turned away and no lease of a verifier may end. */
const ARGS = [
  ...['--overload-seconds', '60', '--verify-lease-seconds', '86400'],
  ...['--verify-share', '1', '--ledger-interval', '0.1'],
];

async function createAdminKey(database: DatabaseOptions): Promise<string> {
  const store = await openStore(readConfig({ given: database }), Date.now);
  const id = createIds(Date.now).next('key');
  const { key } = await createKey(store, { id, name: null, scopes: ['admin'], expiresAt: null });
  await store.close();
  return key;
}

/** Loads a server that is killed, again and again, each time after some number of acknowledged writes. */
async function loadAndKill(database: DatabaseOptions, adminKey: string): Promise<Acknowledged> {
  const random = randomNumbers(SEED);
  const someWrites = () => 1 + Math.floor(random() * 120);
  let server: ServerProcess = spawnServer(database, { args: ARGS });
  let listening = server.listening;
  let isDead = false;
  let kills = 0;
  let writesLeft = someWrites();
  const survived = Promise.withResolvers<void>();
  let load: Load | undefined;

  async function killAndRestart(): Promise<string> {
    isDead = true;
    server.child.kill('SIGKILL');
    await server.exited;
    server = spawnServer(database, { args: ARGS });
    const url = await server.listening;
    isDead = false;
    return url;
  }

  function noteWrite(): void {
    if (isDead || --writesLeft > 0) return;
    writesLeft = someWrites();
    if (kills++ < KILLS) listening = killAndRestart();
    else if (load && wasUnderLoad(load.acknowledged)) survived.resolve();
  }

  const send: Send = async (method, path, body, headers) => {
    for (;;) {
      const url = await listening;
      try {
        const reply = await request(url + path, method, body, headers);
        if (method === 'POST' && reply.status < 300) noteWrite();
        return reply;
      } catch (error) {
        // The server is gone: the same again to the next one.
        if (!(error instanceof TypeError)) throw error;
      }
    }
  };

  try {
    load = startLoad(send, random, adminKey);
    await Promise.race([survived.promise, load.goesOn]);
    await load.finish();
    return load.acknowledged;
  } finally {
    server.child.kill('SIGTERM');
    await server.exited;
  }
}

/** Whether there were some of everything, however slowly the machine does the one or the other. */
const wasUnderLoad = ({ submitted, completed, cancelled, payouts, verified }: Acknowledged) =>
  [submitted, completed, cancelled, payouts, verified].every(({ size }) => size > 5);

async function request(
  url: string,
  method: string,
  body?: object,
  headers?: Record<string, string>,
): Promise<Reply> {
  const response = await fetch(url, {
    method,
    headers: {
      ...(body && { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body && { body: JSON.stringify(body) }),
  });
  return { status: response.status, text: await response.text() };
}

describeEachEngine(`a server killed ${KILLS} times under load`, engine => {
  let database: Database;
  let adminKey: string;
  let acknowledged: Acknowledged;
  let running: RunningCoordinator;
  let db: Store['read'];

  beforeAll(async () => {
    database = await engine.prepare();
    adminKey = await createAdminKey(database.options);
    acknowledged = await loadAndKill(database.options, adminKey);
    running = await startCoordinator({ ...database.options, port: 0, logLevel: 'silent' });
    db = running.modules.store.read;
  }, 180_000);
  afterAll(async () => {
    await running?.close();
    await database.remove();
  });

  const statusOf = async () =>
    new Map((await db.selectFrom('job').select(['id', 'status']).execute()).map(job => [job.id, job.status]));

  test('was under load', () => {
    expect(wasUnderLoad(acknowledged)).toBe(true);
  });

  test('has every job that it acknowledged, and none twice', async () => {
    const ids = [...acknowledged.submitted.values()].flat();
    const status = await statusOf();
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids.filter(id => !status.has(id))).toEqual([]);
    // Every submission was repeated until it was acknowledged.
    expect(status.size).toBe(ids.length);
  });

  test('has brought every job to its end', async () => {
    const ended = new Set(['completed', 'cancelled']);
    expect([...(await statusOf())].filter(([, status]) => !ended.has(status))).toEqual([]);
  });

  test('has every receipt that it acknowledged, byte for byte, and no other', async () => {
    const receipts = await db
      .selectFrom('entry')
      .select(['job_id', 'body'])
      .where('type', '=', 'receipt')
      .execute();
    expect(new Map(receipts.map(({ job_id, body }) => [job_id, body]))).toEqual(acknowledged.completed);
    expect(receipts).toHaveLength(acknowledged.completed.size);
  });

  test('has cancelled every job whose cancellation it acknowledged', async () => {
    const status = await statusOf();
    const others = [...acknowledged.cancelled].filter(id => status.get(id) !== 'cancelled');
    expect(others).toEqual([]);
  });

  test('has every payout that it acknowledged and its confirmation, and no other', async () => {
    const entries = await db
      .selectFrom('entry')
      .select('body')
      .where('type', 'in', ['payout', 'payout_update'])
      .execute();
    const known = [...acknowledged.payouts.values()].flatMap(({ payout, updates }) => [payout, ...updates]);
    expect(known).toHaveLength(2 * acknowledged.payouts.size);
    expect(entries.map(({ body }) => canonicalJson(JSON.parse(body))).sort()).toEqual(
      known.map(canonicalJson).sort(),
    );
  });

  test('has every verification that it acknowledged, published once, and no other', async () => {
    const entries = await db.selectFrom('entry').select('body').where('type', '=', 'verification').execute();
    const statements = entries.map(({ body }) => JSON.parse(body) as VerificationStatement);
    const found = new Map(statements.map(each => [each.verification_id, each]));
    expect([...found.keys()].sort()).toEqual([...acknowledged.verified.keys()].sort());
    expect(new Set(statements.map(({ receipt_id }) => receipt_id)).size).toBe(statements.length);
    for (const { verification_id, judgement } of acknowledged.verified.values())
      expect(found.get(verification_id)).toMatchObject({ judgement, tokens: 24, counts: true });
    const scores = await db.selectFrom('verification_scores').select('id').execute();
    expect(scores.map(({ id }) => id).sort()).toEqual([...found.keys()].sort());

    await running.publish();
    for (const id of [...found.keys()].slice(-20)) {
      const { text } = await send('GET', `/v1/verifications/${id}`);
      expect((JSON.parse(text) as PublishedVerification).inclusion).not.toBeNull();
    }
  });

  const send: Send = (method, path, body, headers) => request(running.url + path, method, body, headers);

  test('answers a repeated payout with the first, and pays nothing more', async () => {
    for (const [key, { payout }] of [...acknowledged.payouts].slice(-50))
      expect(await pay(send, key, adminKey)).toEqual(payout);
    expect(await db.selectFrom('payout').select('id').execute()).toHaveLength(acknowledged.payouts.size);
  });

  test('answers a repeated submission with the jobs of the first', async () => {
    for (const [key, ids] of [...acknowledged.submitted].slice(-50))
      expect(await submit(send, key)).toEqual(ids);
  });

  test('counts right, and its receipts verify', async () => {
    expect(await violations(db)).toEqual([]);
    const { keys }: PublicKeys = await running.modules.receipts.keys();
    expect(await falseReceipts(db, keys)).toEqual([]);
  });

  test.runIf(engine.name === 'sqlite')('has an undamaged database', async () => {
    const { rows } = await sql.raw('PRAGMA integrity_check').execute(db);
    expect(rows).toEqual([{ integrity_check: 'ok' }]);
  });
});
