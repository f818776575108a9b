import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Client } from 'pg';
import { startPostgres } from '../test/postgres.ts';

/** A PostgreSQL for one server under load, so that no server pays for what another left behind. */
export interface Database {
  /** The URL of an empty database. */
  url: string;
  pid: number;
  /**
   * Brings the database into the state of one that has run for a while: vacuumed, with statistics and log
   * files.
   */
  settle(): Promise<void>;
  stop(): Promise<void>;
}

export interface DatabaseOptions {
  /** A folder for `statements-PID.json`, which is written when the database stops. */
  profile?: string | undefined;
}

/**
 * Settings that an operator would choose. Commits wait for the disk: `fsync` and `synchronous_commit` stay
 * on.
 */
const SETTINGS = { shared_buffers: '512MB', min_wal_size: '512MB', max_wal_size: '2GB' };

/**
 * Creates log files of 16 MB each. A server that has run for a while reuses old ones; a new server would
 * create each in 30 ms during the measurement.
 */
const MAKE_LOG_FILES = `DO $$ BEGIN FOR file IN 1..30 LOOP
    PERFORM pg_logical_emit_message(false, 'bench', '');
    PERFORM pg_switch_wal();
  END LOOP; END $$`;

/** `BEGIN` and `COMMIT` are not counted. */
const COUNTING = {
  shared_preload_libraries: 'pg_stat_statements',
  'pg_stat_statements.track_utility': 'off',
};

export async function startDatabase({ profile }: DatabaseOptions = {}): Promise<Database> {
  const server = await startPostgres({ settings: { ...SETTINGS, ...(profile && COUNTING) } });
  const { pid } = server;
  const url = await server.createDatabase('bench');
  if (profile !== undefined) await query(url, 'CREATE EXTENSION pg_stat_statements');
  return {
    url,
    pid,
    async settle() {
      await query(url, 'VACUUM ANALYZE');
      await query(url, MAKE_LOG_FILES);
      await query(url, 'CHECKPOINT');
    },
    async stop() {
      if (profile !== undefined) {
        await mkdir(profile, { recursive: true });
        const statements = JSON.stringify(await query(url, STATEMENTS), null, 2);
        await writeFile(join(profile, `statements-${pid}.json`), `${statements}\n`);
      }
      await server.stop();
    },
  };
}

const STATEMENTS = `SELECT calls::int, rows::int, round(total_exec_time)::int AS ms, query AS statement
  FROM pg_stat_statements WHERE calls > 1 ORDER BY total_exec_time DESC`;

async function query(url: string, statement: string): Promise<unknown[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(statement)).rows;
  } finally {
    await client.end();
  }
}
