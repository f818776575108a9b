import { startPostgres } from '../test/postgres.ts';

/** A PostgreSQL made for one server under load, so that none pays for what another left behind. */
export interface Database {
  /** Of an empty database. */
  url: string;
  pid: number;
  stop(): Promise<void>;
}

/** As an operator would set it. Commits wait for the disk as ever: `fsync` and `synchronous_commit` stay on. */
const SETTINGS = { shared_buffers: '512MB', max_wal_size: '2GB' };

export async function startDatabase(): Promise<Database> {
  const server = await startPostgres({ settings: SETTINGS });
  return { url: await server.createDatabase('bench'), pid: server.pid, stop: server.stop };
}
