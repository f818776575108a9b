import { randomUUID } from 'node:crypto';
import type { Client, QueryConfig } from 'pg';
import { createUnitOfWork, type UnitOfWork } from '../cache/unit-of-work.ts';
import { connectForBursts, type PostgresOptions } from './connection.ts';
import { COORDINATOR_RUNNING, WRITE_LOCK } from './locks.ts';
import { createPostgresStatements } from './statements.ts';

/** Setting with the name of the last batch, `SESSION/NUMBER`. That session's rows in memory are up to date. */
const LAST_BATCH = 'last_batch';

/**
 * Takes the lock that all writers share, so that the batches of all replicas run one after the other. They would anyway:
 * each batch changes the same few counters, clocks and queues, whose row locks it would hold to its end, and taking those
 * in different orders would cause deadlocks.
 */
const LOCK = { name: 'lock', text: `SELECT pg_advisory_xact_lock(${WRITE_LOCK})` };

/** A separate statement after that of the lock, so that it sees the commit of the lock's former holder. */
const OPEN_SQL = `SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint AS now,
  (SELECT value FROM setting WHERE name = '${LAST_BATCH}') AS last_batch`;
const OPEN = { name: 'open', text: OPEN_SQL };

/** Fails unless the last batch was `$1`, and so makes all statements up to COMMIT fail, too. */
const OPEN_AFTER = {
  name: 'open_behind',
  text: `${OPEN_SQL}, 1 / (SELECT count(*) FROM setting WHERE name = '${LAST_BATCH}' AND value = $1) AS found`,
};

/**
 * Plans are made once for each statement, and must use an index. A plan made while the table is small would scan it, and
 * would still do so when the table has grown.
 */
const PLANNER_SETTINGS = 'SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off; SET jit = off';

/**
 * The server's C library returns memory to the system after each statement and gets it back page by page for the next,
 * which takes a sixth of a batch's time there. Once glibc has freed a large block, it keeps free memory up to twice that
 * size (mallopt(3), M_MMAP_THRESHOLD). `octet_length` and long pieces keep this statement short: counting the characters
 * of the block would take half a second.
 */
const KEEP_HEAP = `SELECT octet_length(repeat(repeat(' ', 1024), ${4 * 1024}))`;

/** After this many own batches in a row, the next batch is expected to be the own one, too. */
const MIN_UNDISTURBED_BATCHES = 16;

/** Lets the next COMMIT return before the log is on disk. The log is synced in order, by a later COMMIT at the latest. */
const BEFORE_SYNC = 'SET LOCAL synchronous_commit = off';

/** A connection that writes, with its rows in memory. It runs one transaction after the other. */
export interface WriteSession {
  readonly client: Client;
  readonly tx: UnitOfWork;
  /** Whether the connection can't be used any more. It is unknown whether its last transaction was committed. */
  readonly isBroken: boolean;
  /** Whether a transaction was rolled back, and with it all those sent after it. Call `recover` to continue. */
  readonly hasFailed: boolean;
  /** Whether a transaction may begin without waiting, on the assumption that nobody else has written. */
  readonly canSendAhead: boolean;
  /** Begins a transaction. Resolves with the database's time in ms since the epoch. */
  begin(): Promise<TransactionStart>;
  /** As `begin`, without waiting. `commit` fails where another session has written since this session's last batch. */
  beginWithoutWaiting(): TransactionStart;
  /** Sends all writes and COMMIT. Resolves once they are durable, or with `sync: false` once they are committed. Rejects with the first error. */
  commit(notifications: readonly QueryConfig[], options: { sync: boolean }): Promise<void>;
  /** Rolls the transaction back. Resolves with the first error of a statement in it, if there was one. */
  rollBack(): Promise<unknown>;
  /** Waits for all transactions that were sent, and forgets the rows in memory. */
  recover(): Promise<void>;
  /** Closes a connection whose state is unknown. */
  discard(): void;
}

interface TransactionStart {
  now: number;
}

interface OpenAnswer extends TransactionStart {
  last_batch: string | null;
}

export async function openWriteSession(options: PostgresOptions): Promise<WriteSession> {
  const { client, corkUntilNextTick } = await connectForBursts(options);
  await client.query(PLANNER_SETTINGS);
  await client.query(KEEP_HEAP);
  await client.query(`SELECT pg_advisory_lock_shared(${COORDINATOR_RUNNING})`);
  const sent = createPostgresStatements(client, corkUntilNextTick);
  const tx = createUnitOfWork(sent);
  const id = randomUUID();
  let batches = 0;
  /** The database's last batch once all sent transactions are committed. */
  let lastBatch = '';
  let undisturbedBatches = 0;
  /** The database's time minus our monotonic clock, in ms. */
  let clockOffsetMs = 0;
  let broken = false;
  let hasFailed = false;
  let pendingCommits: Promise<unknown> = Promise.resolve();
  /** The answers to the open transaction's first statements. */
  let opening: Promise<unknown> = pendingCommits;

  client.once('end', () => {
    broken = true;
  });

  /** Sends the first statements of a transaction. */
  async function open(requiredBatch?: string): Promise<OpenAnswer> {
    corkUntilNextTick();
    const [, , answer] = await awaitAll([
      client.query('BEGIN'),
      client.query(LOCK),
      client.query<OpenAnswer>(
        requiredBatch === undefined ? OPEN : { ...OPEN_AFTER, values: [requiredBatch] },
      ),
    ]);
    const [row] = answer.rows;
    if (!row) throw new Error('The database did not say what time it is');
    clockOffsetMs = row.now - performance.now();
    return row;
  }

  /** Stores the name of the new batch. */
  function nameBatch() {
    lastBatch = `${id}/${++batches}`;
    void tx.upsert('setting', [{ name: LAST_BATCH, value: lastBatch }]);
  }

  return {
    client,
    tx,
    get isBroken() {
      return broken;
    },
    get hasFailed() {
      return hasFailed;
    },
    get canSendAhead() {
      return undisturbedBatches >= MIN_UNDISTURBED_BATCHES;
    },
    async begin() {
      const opened = open();
      opening = opened;
      const { now, last_batch } = await opened;
      const isCurrent = last_batch === lastBatch;
      undisturbedBatches = isCurrent ? undisturbedBatches + 1 : 0;
      tx.begin(isCurrent);
      nameBatch();
      return { now };
    },
    beginWithoutWaiting() {
      opening = open(lastBatch);
      opening.catch(() => {});
      tx.begin(true);
      nameBatch();
      return { now: Math.round(performance.now() + clockOffsetMs) };
    },
    async commit(notifications, { sync }) {
      const all = awaitAll([
        opening,
        tx.flushWrites(),
        sent.flushWrites(),
        ...notifications.map(notification => client.query(notification)),
        ...(sync ? [] : [client.query(BEFORE_SYNC)]),
        client.query('COMMIT'),
      ]);
      pendingCommits = Promise.allSettled([pendingCommits, all]);
      tx.noteCommitSent();
      try {
        await all;
      } catch (error) {
        hasFailed = true;
        undisturbedBatches = 0;
        throw error;
      }
    },
    async rollBack() {
      hasFailed = true;
      tx.forgetAll();
      const [first] = await Promise.all([sent.discardWrites(), client.query('ROLLBACK').catch(() => {})]);
      return first;
    },
    async recover() {
      await pendingCommits;
      tx.forgetAll();
      await Promise.all([sent.discardWrites(), client.query('ROLLBACK')]);
      lastBatch = '';
      hasFailed = false;
    },
    discard() {
      broken = true;
      client.end().catch(() => {});
    },
  };
}

/** Rejects with the error of the first failed step in their order: the errors of later steps only follow from it. */
async function awaitAll<T extends readonly Promise<unknown>[]>(
  steps: readonly [...T],
): Promise<{ [K in keyof T]: Awaited<T[K]> }> {
  for (const step of await Promise.allSettled(steps)) if (step.status === 'rejected') throw step.reason;
  return await Promise.all(steps);
}
