import { Kysely, PostgresDialect, type PostgresPoolClient } from 'kysely';
import { Client, type ClientConfig, DatabaseError, Pool, types } from 'pg';
import type { Schema } from '../schema.ts';
import { StoreUnavailable } from '../unavailable.ts';
import { decodeText, encode } from './text.ts';

export interface PostgresOptions {
  /** `postgres://user:password@host:port/database?sslmode=verify-full&sslrootcert=FILE` */
  url: string;
  /** Connections that read. */
  poolSize: number;
  /** After so many ms a statement is given up, and after so many without one an open transaction. */
  timeoutMs: number;
  /** For work on the whole database: no statement is given up, only connecting. */
  patient?: boolean;
}

export function clientConfig({ url, timeoutMs, patient }: PostgresOptions): ClientConfig {
  const limit = patient ? 0 : timeoutMs;
  return {
    connectionString: url,
    application_name: 'aitbc-coordinator',
    connectionTimeoutMillis: timeoutMs,
    statement_timeout: limit,
    // A process that was frozen in a transaction must not hold up the others.
    idle_in_transaction_session_timeout: limit,
    keepAlive: true,
    pipeline: true,
    types: { getTypeParser: parserOf },
  };
}

const PARSERS: Record<number, (text: string) => unknown> = {
  // Counts and times: none is larger than a double is exact for.
  [types.builtins.INT8]: Number,
  [types.builtins.TEXT]: decodeText,
};

function parserOf(oid: number, format?: string) {
  return (format !== 'binary' && PARSERS[oid]) || types.getTypeParser(oid, format as 'text');
}

/** A connection of one's own. Rejects with StoreUnavailable. */
export async function connect(options: PostgresOptions): Promise<Client> {
  const client = new Client(clientConfig(options));
  // Told by the next query as well; without a listener it would end the process.
  client.on('error', () => {});
  try {
    await client.connect();
    return client;
  } catch (error) {
    throw translate(error);
  }
}

/** Kysely over a pool of connections. Queries reject with StoreUnavailable when the database does not answer. */
export function openPool(options: PostgresOptions): Kysely<Schema> {
  const pool = new Pool({ ...clientConfig(options), max: options.poolSize });
  pool.on('error', () => {});
  return new Kysely<Schema>({
    dialect: new PostgresDialect({
      pool: {
        connect: async () => guarded(await pool.connect().catch(rethrow)),
        end: () => pool.end(),
      },
    }),
  });
}

function guarded(client: PostgresPoolClient): PostgresPoolClient {
  const query = (sql: string, parameters: readonly unknown[]) =>
    client.query(sql, parameters.map(encode)).catch(rethrow);
  return { query: query as PostgresPoolClient['query'], release: () => client.release() };
}

const rethrow = (error: unknown): never => {
  throw translate(error);
};

/**
 * PostgreSQL's classes of SQLSTATE that say something of the server rather than the statement: connection (08),
 * read-only after a failover (25006), resources (53), operator intervention such as a shutdown or a timeout (57), and
 * a lock that was waited for too long.
 */
const UNAVAILABLE = /^(08|53|57|25006|25P03|25P04|55P03)/;

/** Errors of the server and of the way to it as StoreUnavailable; any other as it is. */
export function translate(error: unknown): unknown {
  if (error instanceof StoreUnavailable) return error;
  const { code } = Object(error) as { code?: unknown };
  if (error instanceof DatabaseError)
    return UNAVAILABLE.test(String(code)) ? new StoreUnavailable(error) : error;
  return isConnectionError(error) ? new StoreUnavailable(error) : error;
}

/** What is neither a server's error nor a mistake in the program comes from the socket, or from pg about it. */
function isConnectionError(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (typeof Object(error).syscall === 'string' || error instanceof AggregateError) return true;
  return /connection|timeout|client was closed|not queryable/i.test(error.message);
}
