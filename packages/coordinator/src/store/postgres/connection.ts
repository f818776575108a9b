import { Socket } from 'node:net';
import { Kysely, PostgresDialect, type PostgresPoolClient } from 'kysely';
import { Client, type ClientBase, type ClientConfig, DatabaseError, Pool, types } from 'pg';
import { clampNumber } from '../numbers.ts';
import type { DatabaseSchema } from '../schema.ts';
import { type StoreFault, StoreUnavailable } from '../unavailable.ts';
import { markHostFailed, parseHosts } from './hosts.ts';
import { statementName } from './statement-text.ts';
import { decodeText, encode } from './text.ts';

export interface PostgresOptions {
  /** `postgres://user:password@host:port/database?sslmode=verify-full&sslrootcert=FILE` */
  url: string;
  /** Number of connections that read. */
  poolSize: number;
  /** The longest time that a statement, or a pause within a transaction, may take. */
  timeoutMs: number;
  /** Lets statements take any time, for work on the whole database. Connecting keeps its timeout. */
  withoutTimeouts?: boolean;
}

/** The server should be the one that cancels a slow statement, so the client waits this much longer. */
const GRACE_MS = 1_000;

export function clientConfig({ url, timeoutMs, withoutTimeouts }: PostgresOptions): ClientConfig {
  const { urls, current } = parseHosts(url);
  return {
    connectionString: urls[current] ?? url,
    application_name: 'aitbc-coordinator',
    connectionTimeoutMillis: timeoutMs,
    // A process that is frozen within a transaction must not block the others.
    idle_in_transaction_session_timeout: timeoutMs,
    ...(!withoutTimeouts && { statement_timeout: timeoutMs, query_timeout: timeoutMs + GRACE_MS }),
    keepAlive: true,
    pipeline: true,
    types: { getTypeParser: parserOf },
  };
}

const PARSERS: Record<number, (text: string) => unknown> = {
  // Counts and times fit exactly into a double, unless their row is damaged.
  [types.builtins.INT8]: text => clampNumber(Number(text)),
  [types.builtins.TEXT]: decodeText,
};

function parserOf(oid: number, format?: string) {
  return (format !== 'binary' && PARSERS[oid]) || types.getTypeParser(oid, format as 'text');
}

/** Opens a single connection. Rejects with StoreUnavailable. */
export async function connectPostgres(options: PostgresOptions): Promise<Client> {
  return await tryHosts(options, async () => {
    const client = new Client(clientConfig(options));
    await open(client, options);
    return client;
  });
}

/** Tries each host once, starting with the one that worked last. Rejects with the last host's error. */
async function tryHosts<T>({ url }: PostgresOptions, attempt: () => Promise<T>): Promise<T> {
  const hosts = parseHosts(url);
  for (let left = hosts.urls.length; ; left--) {
    const index = hosts.current;
    try {
      return await attempt();
    } catch (error) {
      markHostFailed(hosts, index);
      if (left <= 1) throw error;
    }
  }
}

export interface BurstConnection {
  client: Client;
  /** Sends all statements of this turn of the event loop in one packet. */
  corkUntilNextTick(): void;
}

/** Opens a single connection for many statements in a row. Rejects with StoreUnavailable. */
export async function connectForBursts(options: PostgresOptions): Promise<BurstConnection> {
  return await tryHosts(options, async () => {
    const socket = new Socket();
    const client = new Client({ ...clientConfig(options), stream: () => socket });
    await open(client, options);
    return {
      client,
      corkUntilNextTick() {
        if (socket.writableCorked > 0) return;
        socket.cork();
        process.nextTick(() => socket.uncork());
      },
    };
  });
}

async function open(client: Client, { url, timeoutMs }: PostgresOptions): Promise<void> {
  ignoreErrors(client);
  try {
    await client.connect();
    // A process that is frozen while it receives a large answer is not idle, and its statement has ended. Only this
    // timeout ends its transaction.
    await client.query(`SET tcp_user_timeout = ${timeoutMs}`);
    if (parseHosts(url).mustBeWritable) await requireWritable(client);
  } catch (error) {
    client.end().catch(() => {});
    throw toUnavailable(error);
  }
}

async function requireWritable(client: ClientBase): Promise<void> {
  const { rows } = await client.query<{ transaction_read_only: string }>('SHOW transaction_read_only');
  if (rows[0]?.transaction_read_only !== 'off') throw new Error('The server takes no writes');
}

/** An error without a listener would end the process. The next query reports the error anyway. */
function ignoreErrors(emitter: { on(event: 'error', listener: () => void): unknown }) {
  emitter.on('error', () => {});
}

/** Any error while connecting counts as unavailable: a server that rejects a login may accept it later. */
const toUnavailable = (error: unknown) =>
  new StoreUnavailable(error instanceof AggregateError ? error.errors[0] : error);

/** Opens Kysely over a pool of connections. Queries reject with StoreUnavailable where the database fails. */
export const openPool = (options: PostgresOptions): Kysely<DatabaseSchema> => openReader(options).read;

export interface Reader {
  read: Kysely<DatabaseSchema>;
  /** Runs a statement that each connection prepares once. Rejects with StoreUnavailable where the database fails. */
  query(sql: string, values: readonly unknown[]): Promise<unknown[]>;
}

/** Opens a pool of connections. `read.destroy` closes it. */
export function openReader(options: PostgresOptions): Reader {
  const hosts = parseHosts(options.url);
  /** Makes each new connection go to the host that worked last. */
  class HostClient extends Client {
    constructor(config: ClientConfig = {}) {
      super({ ...config, ...clientConfig(options) });
    }
  }
  const pool = new Pool({
    ...clientConfig(options),
    max: options.poolSize,
    ...(hosts.mustBeWritable && { Client: HostClient, verify: verifyWritable }),
  });
  ignoreErrors(pool);
  // The pool itself listens for a connection's errors only while that connection is idle.
  pool.on('connect', ignoreErrors);
  const connect = () =>
    tryHosts(options, () => pool.connect()).catch(error => {
      throw toUnavailable(error);
    });
  return {
    read: new Kysely<DatabaseSchema>({
      dialect: new PostgresDialect({
        pool: {
          connect: async () => withTranslatedErrors(await connect()),
          end: () => pool.end(),
        },
      }),
    }),
    async query(text, values) {
      const client = await connect();
      try {
        return (await client.query({ name: statementName(text), text, values: values.map(encode) })).rows;
      } catch (error) {
        throw translatePostgresError(error);
      } finally {
        client.release();
      }
    },
  };
}

/** Checks each new connection of a pool, since a standby would return outdated rows. */
function verifyWritable(client: ClientBase, done: (error?: Error) => void): void {
  requireWritable(client).then(() => done(), done);
}

function withTranslatedErrors(client: PostgresPoolClient): PostgresPoolClient {
  const query = (sql: string, parameters: readonly unknown[]) =>
    client.query(sql, parameters.map(encode)).catch(error => {
      throw translatePostgresError(error);
    });
  return { query: query as PostgresPoolClient['query'], release: () => client.release() };
}

/**
 * PostgreSQL's SQLSTATEs (its manual's appendix A) for faults of the server or the session rather than of a statement:
 * no space (53100), read-only by its settings or after a failover (25006), damage (XX001, XX002), errors of its disk (58),
 * connection (08), a plan that another version's migration invalidated (0A000), a transaction that took too long (25P03,
 * 25P04), prepared statements that another client dropped (26), a deadlock (40), other resources (53), a lock that took
 * too long (55P03), and shutdowns and timeouts (57).
 */
const FAULTS: readonly [RegExp, StoreFault][] = [
  [/^53100/, 'full'],
  [/^25006/, 'read-only'],
  [/^XX00[12]/, 'damaged'],
  [/^58/, 'failing'],
  [/^(08|0A000|25P03|25P04|26|40|53|55P03|57)/, 'away'],
];

/** Turns an error of the server or the connection into StoreUnavailable, and returns any other error unchanged. */
export function translatePostgresError(error: unknown): unknown {
  if (error instanceof StoreUnavailable) return error;
  const { code } = Object(error) as { code?: unknown };
  if (error instanceof DatabaseError) {
    const [, fault] = FAULTS.find(([codes]) => codes.test(String(code))) ?? [];
    return fault ? new StoreUnavailable(error, fault) : error;
  }
  return isConnectionError(error) ? new StoreUnavailable(error) : error;
}

/** Whether an error comes from the socket, or is the `pg` package's error about the connection. */
function isConnectionError(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (typeof Object(error).syscall === 'string' || error instanceof AggregateError) return true;
  return /connection|timeout|client was closed|not queryable/i.test(error.message);
}

/** SQLSTATEs after which the same statement may succeed a moment later: the server is starting, or others hold a lock. */
const SLOW_SQLSTATES = /^(25P03|25P04|40|55P03|57014|57P03)/;

/** Messages of the `pg` package's own timeouts, for a connection, a statement and the pool. */
const CLIENT_TIMEOUT =
  /^(timeout expired|Connection terminated due to connection timeout|Query read timeout|timeout exceeded when trying to connect)$/;

/** Whether an error, or its cause, means that the server was slow rather than unusable. */
export function isSlowAnswer(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (error instanceof DatabaseError) return SLOW_SQLSTATES.test(String(error.code));
  return isSlowAnswer(error.cause) || CLIENT_TIMEOUT.test(error.message);
}
