import { Client, DatabaseError } from 'pg';
import { clientConfig, type PostgresOptions } from './connection.ts';

/** A pooler with a single connection leaves the second client waiting. The check gives up after this time. */
const POOLER_TIMEOUT_MS = 5_000;

const POOLER_MESSAGE =
  'a pooler such as PgBouncer is in between, and assigns connections for one transaction at a time: notifications, prepared statements and advisory locks need sessions. Connect to PostgreSQL itself, or set pool_mode = session';

/**
 * Throws, with the reason, where a coordinator can connect to a server but can't work with it: it is a hot standby, is
 * read-only, or is a pooler without sessions.
 */
export async function requireUsableServer(options: PostgresOptions, client: Client): Promise<void> {
  const { rows } = await client.query<{ standby: boolean; read_only: string; pid: number }>(
    "SELECT pg_is_in_recovery() AS standby, current_setting('transaction_read_only') AS read_only, pg_backend_pid() AS pid",
  );
  const [server] = rows;
  if (server?.standby) {
    throw new Error(
      'it is a hot standby, which takes no writes: name the primary, or all hosts with target_session_attrs=read-write',
    );
  }
  if (server?.read_only === 'on')
    throw new Error('it is read-only for this role (default_transaction_read_only)');
  // A server announces its process id when a connection begins. A pooler announces a made-up one.
  const { processID } = client as unknown as { processID: number | null };
  if (processID !== server?.pid) await requireSessions(options, client);
}

/**
 * Opens a transaction on a second connection, and throws where the first connection then has another server process, or
 * none: a pooler that assigns connections by transaction does that.
 */
async function requireSessions(options: PostgresOptions, client: Client): Promise<void> {
  const other = new Client({ ...clientConfig(options), query_timeout: POOLER_TIMEOUT_MS });
  other.on('error', () => {});
  try {
    const pidOf = async (of: Client) => {
      const { rows } = await of.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
      return rows[0]?.pid;
    };
    await other.connect();
    const before = await pidOf(client);
    await other.query('BEGIN');
    const held = await pidOf(other);
    const after = await withTimeout(pidOf(client));
    await other.query('ROLLBACK');
    if (held === before || after !== before) throw new Error(POOLER_MESSAGE);
  } catch (error) {
    if (error instanceof DatabaseError) throw new Error(POOLER_MESSAGE, { cause: error });
    throw error;
  } finally {
    await other.end().catch(() => {});
  }
}

async function withTimeout<T>(answer: Promise<T>): Promise<T | undefined> {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  const timer = setTimeout(resolve, POOLER_TIMEOUT_MS);
  answer.catch(() => {});
  return await Promise.race([answer, promise]).finally(() => clearTimeout(timer));
}

/** Explains the error with which a pooler rejects a new connection's parameters. Returns any other error unchanged. */
export function explainRejection(error: unknown): unknown {
  const { message = '' } = Object(error) as { message?: string };
  if (!/unsupported startup parameter/i.test(message)) return error;
  return new Error(
    `${message}: a pooler such as PgBouncer is in between. Connect to PostgreSQL itself; or set pool_mode = session and ignore_startup_parameters = idle_in_transaction_session_timeout,statement_timeout,extra_float_digits in it`,
  );
}
