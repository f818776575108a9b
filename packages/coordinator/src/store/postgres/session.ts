import { randomUUID } from 'node:crypto';
import type { Client, QueryConfig } from 'pg';
import { type CachedTransaction, cachedTransaction } from '../cache/cached-transaction.ts';
import { connectForBursts, type PostgresOptions } from './connection.ts';
import { RUNNING, WRITE_LOCK } from './locks.ts';
import { postgresTransaction, readCatalog } from './transaction.ts';

/** Setting that names the last batch, `SESSION/NUMBER`: what its session has in memory is what the database has. */
const LAST_BATCH = 'last_batch';

/**
 * The one lock that all writers share. Batches of all replicas so come one after the other. They would anyway: each
 * moves the same few counters, clocks and queues, whose row locks it would hold to its end, and taking those in
 * differing orders would end in deadlocks.
 */
const LOCK = { name: 'lock', text: `SELECT pg_advisory_xact_lock(${WRITE_LOCK})` };

/** A statement of its own, behind that of the lock, so that it sees what was committed by whoever had it before. */
const OPENED = `SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint AS now,
  (SELECT value FROM setting WHERE name = '${LAST_BATCH}') AS last_batch`;
const OPEN = { name: 'open', text: OPENED };

/** Fails, and with it all that is sent behind it up to COMMIT, unless the last batch was this one. */
const OPEN_BEHIND = {
  name: 'open_behind',
  text: `${OPENED}, 1 / (SELECT count(*) FROM setting WHERE name = '${LAST_BATCH}' AND value = $1) AS found`,
};

/**
 * Every statement here finds its rows by an index, however large a table is or was when the statement was prepared:
 * plans are made once, and none that a small table would suggest.
 */
const PLANS = 'SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off; SET jit = off';

/**
 * The server's C library gives memory back to the system after each statement and takes it again for the next, page by
 * page: a sixth of the time that a batch takes there. glibc stops that up to twice the size of a block that it has
 * freed once (mallopt(3), M_MMAP_THRESHOLD). The block is filled by the kilobyte and its characters are not counted, which
 * would take the server half a second.
 */
const KEEP_HEAP = `SELECT octet_length(repeat(repeat(' ', 1024), ${4 * 1024}))`;

/** Batches in a row without anybody else's between them, after which none is expected. */
const UNDISTURBED = 16;

/** A connection that writes, with what it has in memory. Its transactions follow each other. */
export interface Session {
  readonly client: Client;
  readonly tx: CachedTransaction;
  /** The connection is of no more use: what became of its last transaction is unknown. */
  readonly broken: boolean;
  /** Something that was sent was rolled back, and with it all that was sent behind it. `recover` goes on. */
  readonly hasFailed: boolean;
  /** Whether a transaction may begin on the assumption that nobody else has written. */
  readonly mayGoAhead: boolean;
  /** Begins a transaction, with the time by the database. */
  begin(): Promise<Began>;
  /** As `begin`, without waiting: `commit` fails where the last batch was not this session's last. */
  beginAhead(): Began;
  /** Sends all that was written. Resolves once it is durable. Rejects with the first error. */
  commit(notifications: readonly QueryConfig[]): Promise<void>;
  /** Ends a transaction without a trace. Resolves with the first error of a statement in it, if there was one. */
  rollBack(): Promise<unknown>;
  /** Waits for all that was sent, and forgets what is in memory. */
  recover(): Promise<void>;
  fail(): void;
}

interface Began {
  now: number;
}

interface Opened extends Began {
  last_batch: string | null;
}

export async function openSession(options: PostgresOptions): Promise<Session> {
  const { client, gather } = await connectForBursts(options);
  await client.query(PLANS);
  await client.query(KEEP_HEAP);
  await client.query(`SELECT pg_advisory_lock_shared(${RUNNING})`);
  const catalog = await readCatalog(client);
  const sent = postgresTransaction(client, catalog, gather);
  const tx = cachedTransaction(sent, table => [...(catalog.get(table)?.keys() ?? [])]);
  const id = randomUUID();
  let batches = 0;
  /** As it is in the database when all is committed that was sent. */
  let last = '';
  let undisturbed = 0;
  /** What the database's clock is ahead of our monotonic one, which nobody sets, in ms. */
  let offset = 0;
  let broken = false;
  let hasFailed = false;
  let landing: Promise<unknown> = Promise.resolve();
  /** The answer to the open transaction's first statement. */
  let opening: Promise<unknown> = landing;

  client.once('end', () => {
    broken = true;
  });

  /** Sends the first statements of a transaction. */
  async function open(demanded?: string): Promise<Opened> {
    gather();
    const [, , answer] = await allOf([
      client.query('BEGIN'),
      client.query(LOCK),
      client.query<Opened>(demanded === undefined ? OPEN : { ...OPEN_BEHIND, values: [demanded] }),
    ]);
    const [row] = answer.rows;
    if (!row) throw new Error('The database did not say what time it is');
    offset = row.now - performance.now();
    return row;
  }

  /** Names the batch that begins. */
  function name() {
    last = `${id}/${++batches}`;
    void tx.upsert('setting', ['name'], [{ name: LAST_BATCH, value: last }]);
  }

  return {
    client,
    tx,
    get broken() {
      return broken;
    },
    get hasFailed() {
      return hasFailed;
    },
    get mayGoAhead() {
      return undisturbed >= UNDISTURBED;
    },
    async begin() {
      const opened = open();
      opening = opened;
      const { now, last_batch } = await opened;
      const isCurrent = last_batch === last;
      undisturbed = isCurrent ? undisturbed + 1 : 0;
      tx.begin(isCurrent);
      name();
      return { now };
    },
    beginAhead() {
      opening = open(last);
      opening.catch(() => {});
      tx.begin(true);
      name();
      return { now: Math.round(performance.now() + offset) };
    },
    async commit(notifications) {
      const all = allOf([
        opening,
        tx.written(),
        sent.written(),
        ...notifications.map(notification => client.query(notification)),
        client.query('COMMIT'),
      ]);
      landing = Promise.allSettled([landing, all]);
      tx.committed();
      try {
        await all;
      } catch (error) {
        hasFailed = true;
        undisturbed = 0;
        throw error;
      }
    },
    async rollBack() {
      hasFailed = true;
      tx.abandon();
      const [first] = await Promise.all([sent.abandon(), client.query('ROLLBACK').catch(() => {})]);
      return first;
    },
    async recover() {
      await landing;
      tx.abandon();
      await Promise.all([sent.abandon(), client.query('ROLLBACK')]);
      last = '';
      hasFailed = false;
    },
    fail() {
      broken = true;
      client.end().catch(() => {});
    },
  };
}

/** Rejects with the error of the first that failed, not of whichever was told first: the others only follow from it. */
async function allOf<T extends readonly Promise<unknown>[]>(
  steps: readonly [...T],
): Promise<{ [K in keyof T]: Awaited<T[K]> }> {
  for (const step of await Promise.allSettled(steps)) if (step.status === 'rejected') throw step.reason;
  return await Promise.all(steps);
}
