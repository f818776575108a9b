import { setTimeout } from 'node:timers/promises';
import type { Client } from 'pg';
import { createUnitOfWork } from '../cache/unit-of-work.ts';
import { POSTGRES_TYPES } from '../migrations/column-types.ts';
import { requireCurrent } from '../migrations/migrate.ts';
import { TABLE_NAMES, TABLES } from '../schema.ts';
import type { Value } from '../transaction.ts';
import type { Source, Target } from '../transfer/database.ts';
import { connectPostgres, openPool, type PostgresOptions } from './connection.ts';
import { COORDINATOR_RUNNING, FIRST_LISTENER, OTHER_LISTENERS, WRITE_LOCK } from './locks.ts';
import { createPostgresStatements } from './statements.ts';
import { migratePostgres } from './store.ts';

const ROWS_AT_ONCE = 200;

/** Opens the database for reading it in its present state. */
export async function openPostgresSource(options: PostgresOptions): Promise<Source> {
  const pool = openPool(options);
  await requireCurrent(pool, POSTGRES_TYPES).finally(() => pool.destroy());
  const client = await beginTransaction(options, 'BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
  return createSource(client);
}

/** Opens the database for changing all of it, brought up to date, and locks out the writes of all coordinators. */
export async function openPostgresTarget(options: PostgresOptions): Promise<Target> {
  await migratePostgres(options);
  const client = await beginTransaction(options, `BEGIN; SELECT pg_advisory_xact_lock(${WRITE_LOCK})`);
  const statements = createPostgresStatements(client);
  const tx = createUnitOfWork(statements);
  async function flushWrites() {
    await tx.flushWrites();
    await statements.flushWrites();
    tx.forgetAll();
  }
  return {
    ...createSource(client),
    tx,
    flushWrites,
    isDatabaseUnused: () => lockOutCoordinators(client),
    async commit() {
      await flushWrites();
      await advanceSequences(client);
      // The planner has no statistics of the new rows yet.
      await client.query(`ANALYZE ${TABLE_NAMES}`);
      await client.query('COMMIT');
    },
  };
}

/** Within this time, a coordinator that lost its connections tries to connect again. */
const RECONNECTED_MS = 2_000;
const LOOK_AGAIN_MS = 100;

/** Returns a row where another connection waits for a lock that this one holds. */
const SOMEBODY_WAITS = `SELECT FROM pg_locks AS held JOIN pg_locks AS wanted USING (locktype, database, classid, objid, objsubid)
  WHERE held.pid = pg_backend_pid() AND held.locktype = 'advisory' AND held.granted AND NOT wanted.granted LIMIT 1`;

/**
 * Takes the locks that running coordinators hold, to the end of the transaction, and returns whether it got them. After
 * a failover, coordinators hold no locks until they have connected again, so it watches for those that wait for them.
 */
async function lockOutCoordinators(client: Client): Promise<boolean> {
  const locks = [COORDINATOR_RUNNING, FIRST_LISTENER, OTHER_LISTENERS].map(
    lock => `pg_try_advisory_xact_lock(${lock})`,
  );
  const { rows } = await client.query<{ free: boolean }>(`SELECT ${locks.join(' AND ')} AS free`);
  if (!rows[0]?.free) return false;
  const deadline = performance.now() + RECONNECTED_MS;
  while (performance.now() < deadline) {
    if ((await client.query(SOMEBODY_WAITS)).rowCount !== 0) return false;
    await setTimeout(LOOK_AGAIN_MS);
  }
  return true;
}

async function beginTransaction(options: PostgresOptions, statement: string): Promise<Client> {
  const client = await connectPostgres({ ...options, withoutTimeouts: true });
  try {
    // The time between two statements depends on the file that is being read or written.
    await client.query(
      `SET idle_in_transaction_session_timeout = 0; SET statement_timeout = 0; ${statement}`,
    );
    return client;
  } catch (error) {
    await client.end();
    throw error;
  }
}

function createSource(client: Client): Source {
  return {
    async columns(table) {
      const { fields } = await client.query(`SELECT * FROM ${table} LIMIT 0`);
      return fields.map(({ name }) => name);
    },
    async count(table) {
      const { rows } = await client.query<{ rows: number }>(`SELECT count(*) AS rows FROM ${table}`);
      return rows[0]?.rows ?? 0;
    },
    async *read(table, columns) {
      const select = `SELECT ${columns} FROM ${table} ORDER BY ${TABLES[table].key}`;
      await client.query(`DECLARE reading NO SCROLL CURSOR FOR ${select}`);
      try {
        for (;;) {
          const text = `FETCH ${ROWS_AT_ONCE} FROM reading`;
          const { rows } = await client.query<Value[]>({ text, rowMode: 'array' });
          if (rows.length === 0) break;
          yield rows;
        }
      } finally {
        // Fails where FETCH has failed, whose error says more.
        await client.query('CLOSE reading').catch(() => {});
      }
    },
    close: () => client.end(),
  };
}

/** Moves the sequences of generated ids beyond the ids that were inserted. */
async function advanceSequences(client: Client): Promise<void> {
  for (const [table, { key }] of Object.entries(TABLES)) {
    const { rows } = await client.query<{ sequence: string | null }>(
      'SELECT pg_get_serial_sequence($1, $2) AS sequence',
      [table, key],
    );
    const [{ sequence } = { sequence: null }] = rows;
    if (sequence === null) continue;
    await client.query(`SELECT setval($1, max(${key})) FROM ${table} HAVING count(*) > 0`, [sequence]);
  }
}
