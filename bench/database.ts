import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Client } from 'pg';
import { startPostgres } from '../test/postgres.ts';

/** A PostgreSQL made for one server under load, so that none pays for what another left behind. */
export interface Database {
  /** Of an empty database. */
  url: string;
  pid: number;
  /** Makes of it what it is after a while: vacuumed, with statistics, and with files for its log. */
  settle(): Promise<void>;
  stop(): Promise<void>;
}

export interface DatabaseOptions {
  /** A folder to write `statements-PID.json` to when the database stops. */
  profile?: string | undefined;
}

/** As an operator would set it. Commits wait for the disk as ever: `fsync` and `synchronous_commit` stay on. */
const SETTINGS = { shared_buffers: '512MB', min_wal_size: '512MB', max_wal_size: '2GB' };

/**
 * Files of the log, of 16 MB each, that a server which has run for a while has at hand, since it uses old ones again. On
 * a new one each is made, in 30 ms, in the midst of what is measured.
 */
const MAKE_LOG_FILES = `DO $$ BEGIN FOR file IN 1..30 LOOP
    PERFORM pg_logical_emit_message(false, 'bench', '');
    PERFORM pg_switch_wal();
  END LOOP; END $$`;

/** Without `BEGIN` and `COMMIT`, which say nothing. */
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
