import type { PublicKeys } from '@aitbc/protocol';
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type RunningCoordinator, startCoordinator } from '../../src/index.ts';
import type { Store } from '../../src/store/store.ts';
import { type Database, type DatabaseOptions, describeEachEngine } from '../harness/engines.ts';
import { randomNumbers } from '../harness/random.ts';
import { falseReceipts, violations } from '../invariants/violations.ts';
import { type Acknowledged, type Reply, type Send, startLoad, submit } from './load.ts';
import { type ServerProcess, spawnServer } from './server.ts';

const KILLS = Number(process.env.AITBC_CRASH_KILLS ?? 4);
const SEED = Number(process.env.AITBC_CRASH_SEED ?? 20_260_124);

/** The suite keeps a machine busy, for which no submission is to be turned away. */
const ARGS = ['--overload-seconds', '60'];

/** Loads a server that is killed, again and again, each time after some number of acknowledged writes. */
async function loadAndKill(database: DatabaseOptions): Promise<Acknowledged> {
  const random = randomNumbers(SEED);
  const someWrites = () => 1 + Math.floor(random() * 120);
  let server: ServerProcess = spawnServer(database, { args: ARGS });
  let listening = server.listening;
  let isDead = false;
  let kills = 0;
  let writesLeft = someWrites();
  const survived = Promise.withResolvers<void>();

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
    else survived.resolve();
  }

  const send: Send = async (method, path, body, key) => {
    for (;;) {
      const url = await listening;
      try {
        const reply = await request(url + path, method, body, key);
        if (method === 'POST' && reply.status < 300) noteWrite();
        return reply;
      } catch (error) {
        // The server is gone: the same again to the next one.
        if (!(error instanceof TypeError)) throw error;
      }
    }
  };

  try {
    const load = startLoad(send, random);
    await Promise.race([survived.promise, load.goesOn]);
    await load.finish();
    return load.acknowledged;
  } finally {
    server.child.kill('SIGTERM');
    await server.exited;
  }
}

async function request(url: string, method: string, body?: object, key?: string): Promise<Reply> {
  const response = await fetch(url, {
    method,
    headers: {
      ...(body && { 'content-type': 'application/json' }),
      ...(key !== undefined && { 'idempotency-key': key }),
    },
    ...(body && { body: JSON.stringify(body) }),
  });
  return { status: response.status, text: await response.text() };
}

describeEachEngine(`a server killed ${KILLS} times under load`, engine => {
  let database: Database;
  let acknowledged: Acknowledged;
  let running: RunningCoordinator;
  let db: Store['read'];

  beforeAll(async () => {
    database = await engine.prepare();
    acknowledged = await loadAndKill(database.options);
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
    const { submitted, completed, cancelled } = acknowledged;
    for (const { size } of [submitted, completed, cancelled]) expect(size).toBeGreaterThan(5);
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
    const receipts = await db.selectFrom('entry').select(['job_id', 'body']).execute();
    expect(new Map(receipts.map(({ job_id, body }) => [job_id, body]))).toEqual(acknowledged.completed);
    expect(receipts).toHaveLength(acknowledged.completed.size);
  });

  test('has cancelled every job whose cancellation it acknowledged', async () => {
    const status = await statusOf();
    const others = [...acknowledged.cancelled].filter(id => status.get(id) !== 'cancelled');
    expect(others).toEqual([]);
  });

  test('answers a repeated submission with the jobs of the first', async () => {
    const send: Send = (method, path, body, key) => request(running.url + path, method, body, key);
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
