import { randomUUID } from 'node:crypto';
import type { Client } from 'pg';
import type { Call, Result } from '../batcher.ts';
import type { StoreEvent } from '../events.ts';
import { execute, type Transact } from '../execute.ts';
import { StoreUnavailable } from '../unavailable.ts';
import { createBackoff } from './backoff.ts';
import { type CachedTransaction, cachedTransaction } from './cached-transaction.ts';
import { connectForBursts, type PostgresOptions, translate } from './connection.ts';
import { postgresTransaction, readCatalog } from './transaction.ts';

export interface PostgresWriterOptions extends PostgresOptions {
  /** Milliseconds since the epoch; the database's clock unless given, so that all replicas go by one. */
  now?: (() => number) | undefined;
  /** The statements that tell other replicas of a transaction's events, run just before it commits. */
  notify(events: readonly StoreEvent[], client: Client): string;
}

export interface PostgresWriter {
  /** Resolves once the calls are durable. Rejects with StoreUnavailable. */
  commit(calls: readonly Call[]): Promise<{ results: readonly Result[]; events: readonly StoreEvent[] }>;
  close(): Promise<void>;
}

/** Setting that names the session which wrote last: what that session has in memory is what the database has. */
const LAST_WRITER = 'last_writer';

/** Any number that no other program on the database takes for its advisory locks. */
export const WRITE_LOCK = 7_418_331_024;

/**
 * `BEGIN`, the one lock that all writers share, and the time once it is had: one round trip. Batches of all replicas
 * so come one after the other. They would anyway: each moves the same few counters, clocks and queues, whose row
 * locks it would hold to its end, and taking those in differing orders would end in deadlocks.
 */
const BEGIN = `BEGIN; SELECT pg_advisory_xact_lock(${WRITE_LOCK});
  SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint AS now,
    (SELECT value FROM setting WHERE name = '${LAST_WRITER}') AS last_writer`;

/**
 * Every statement here finds its rows by an index, however large a table is or was when the statement was prepared:
 * plans are made once, and none that a small table would suggest.
 */
const PLANS = 'SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off; SET jit = off';

/**
 * Writes over one connection, made when needed and made anew when it breaks. Durability order: a batch's rows and its
 * notification are in one transaction, COMMIT answers once its log is on disk, and only then are its callers answered.
 */
export function createPostgresWriter(options: PostgresWriterOptions): PostgresWriter {
  const backoff = createBackoff();
  let session: Session | undefined;
  /** Whether a batch may have been committed whose events nobody here was told. */
  let isUnsure = false;

  async function current(): Promise<Session> {
    if (session && !session.broken) return session;
    session = await backoff.attempt(() => openSession(options));
    return session;
  }

  return {
    async commit(calls) {
      const { client, id, tx, fail } = await current();
      const events: StoreEvent[] = [];
      const transact: Transact = async work => {
        const emitted: StoreEvent[] = [];
        try {
          const began = (await client.query(BEGIN)) as unknown as { rows: Began[] }[];
          const { now, last_writer } = began.at(-1)?.rows[0] ?? { now: Date.now(), last_writer: null };
          tx.begin(last_writer === id);
          if (last_writer !== id) void tx.upsert('setting', ['name'], [{ name: LAST_WRITER, value: id }]);
          await work({ tx, now: options.now?.() ?? now, emit: event => emitted.push(event) });
          // A transaction in which a write failed is rolled back by its COMMIT.
          await Promise.all([tx.written(), client.query(`${options.notify(emitted, client)} COMMIT`)]);
          tx.committed();
        } catch (error) {
          const first = await tx.abandon();
          const translated = translate(first ?? error);
          if (translated instanceof StoreUnavailable) {
            fail();
            isUnsure = true;
          } else await client.query('ROLLBACK').catch(fail);
          throw translated;
        }
        // Having had the lock, this transaction came after the end of that one, whichever it was.
        if (isUnsure) events.push({ type: 'missed' });
        isUnsure = false;
        events.push(...emitted);
      };
      return { results: await execute(calls, transact), events };
    },
    async close() {
      if (!session?.broken) await session?.client.end();
    },
  };
}

interface Began {
  now: number;
  last_writer: string | null;
}

interface Session {
  client: Client;
  id: string;
  tx: CachedTransaction;
  readonly broken: boolean;
  /** The connection is of no more use: what became of its last transaction is unknown. */
  fail(): void;
}

async function openSession(options: PostgresOptions): Promise<Session> {
  const { client, gather } = await connectForBursts(options);
  let broken = false;
  const fail = () => {
    broken = true;
    client.end().catch(() => {});
  };
  client.once('end', () => {
    broken = true;
  });
  await client.query(PLANS);
  const catalog = await readCatalog(client);
  const tx = cachedTransaction(postgresTransaction(client, catalog, gather), catalog);
  return {
    client,
    id: randomUUID(),
    tx,
    fail,
    get broken() {
      return broken;
    },
  };
}
