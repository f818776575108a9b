import { Client, DatabaseError } from 'pg';
import { clientConfig, type PostgresOptions } from './connection.ts';

/** A pooler that has one connection keeps the second one waiting: it answers nothing for so long. */
const POOLER_MS = 5_000;

const POOLER =
  'a pooler such as PgBouncer is in between, and hands out connections for a transaction at a time: notifications, prepared statements and advisory locks need sessions. Connect to PostgreSQL itself, or set pool_mode = session';

/**
 * Throws, and names why, where a coordinator can't work over such a connection though it can be made: a hot standby, a
 * database that is read-only, a pooler that knows no sessions.
 */
export async function requireFit(options: PostgresOptions, client: Client): Promise<void> {
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
  // What a server itself says at the beginning of a connection is its own number. A pooler makes one up.
  const { processID } = client as unknown as { processID: number | null };
  if (processID !== server?.pid) await requireSessions(options, client);
}

/**
 * Holds a connection to the server in a transaction, and looks whether the other one has still the server's process that it
 * had: a pooler by transactions gives it another one, or has none left.
 */
async function requireSessions(options: PostgresOptions, client: Client): Promise<void> {
  const other = new Client({ ...clientConfig(options), query_timeout: POOLER_MS });
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
    if (held === before || after !== before) throw new Error(POOLER);
  } catch (error) {
    if (error instanceof DatabaseError) throw new Error(POOLER, { cause: error });
    throw error;
  } finally {
    await other.end().catch(() => {});
  }
}

async function withTimeout<T>(answer: Promise<T>): Promise<T | undefined> {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  const timer = setTimeout(resolve, POOLER_MS);
  answer.catch(() => {});
  return await Promise.race([answer, promise]).finally(() => clearTimeout(timer));
}

/** What a refusal of the first message says to whoever knows that it comes from a pooler. */
export function explainRejection(error: unknown): unknown {
  const { message = '' } = Object(error) as { message?: string };
  if (!/unsupported startup parameter/i.test(message)) return error;
  return new Error(
    `${message}: a pooler such as PgBouncer is in between. Connect to PostgreSQL itself; or set pool_mode = session and ignore_startup_parameters = idle_in_transaction_session_timeout,statement_timeout,extra_float_digits in it`,
  );
}
