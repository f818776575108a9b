import { Socket } from 'node:net';
import { Kysely, PostgresDialect, type PostgresPoolClient } from 'kysely';
import { Client, type ClientBase, type ClientConfig, DatabaseError, Pool, types } from 'pg';
import { bounded } from '../numbers.ts';
import type { Schema } from '../schema.ts';
import { type StoreFault, StoreUnavailable } from '../unavailable.ts';
import { giveUpHost, hostsOf } from './hosts.ts';
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

/** While the server answers, it is the one that gives up a statement: we wait this much longer than it may take. */
const GRACE_MS = 1_000;

export function clientConfig({ url, timeoutMs, patient }: PostgresOptions): ClientConfig {
  const { urls, current } = hostsOf(url);
  return {
    connectionString: urls[current] ?? url,
    application_name: 'aitbc-coordinator',
    connectionTimeoutMillis: timeoutMs,
    // A process that was frozen in a transaction must not hold up the others.
    idle_in_transaction_session_timeout: timeoutMs,
    ...(!patient && { statement_timeout: timeoutMs, query_timeout: timeoutMs + GRACE_MS }),
    keepAlive: true,
    pipeline: true,
    types: { getTypeParser: parserOf },
  };
}

const PARSERS: Record<number, (text: string) => unknown> = {
  // Counts and times: none that the coordinator wrote is larger than a double is exact for.
  [types.builtins.INT8]: text => bounded(Number(text)),
  [types.builtins.TEXT]: decodeText,
};

function parserOf(oid: number, format?: string) {
  return (format !== 'binary' && PARSERS[oid]) || types.getTypeParser(oid, format as 'text');
}

/** A connection of one's own. Rejects with StoreUnavailable. */
export async function connect(options: PostgresOptions): Promise<Client> {
  return await onSomeHost(options, async () => {
    const client = new Client(clientConfig(options));
    await begin(client, options);
    return client;
  });
}

/** Tries one host after the other, from the one on that was good last. Rejects as the last one does. */
async function onSomeHost<T>({ url }: PostgresOptions, attempt: () => Promise<T>): Promise<T> {
  const hosts = hostsOf(url);
  for (let left = hosts.urls.length; ; left--) {
    const index = hosts.current;
    try {
      return await attempt();
    } catch (error) {
      giveUpHost(hosts, index);
      if (left <= 1) throw error;
    }
  }
}

export interface BurstConnection {
  client: Client;
  /** The statements that are sent in this turn of the event loop leave together. */
  gather(): void;
}

/** A connection of one's own for many statements in a row. Rejects with StoreUnavailable. */
export async function connectForBursts(options: PostgresOptions): Promise<BurstConnection> {
  return await onSomeHost(options, async () => {
    const socket = new Socket();
    const client = new Client({ ...clientConfig(options), stream: () => socket });
    await begin(client, options);
    return {
      client,
      gather() {
        if (socket.writableCorked > 0) return;
        socket.cork();
        process.nextTick(() => socket.uncork());
      },
    };
  });
}

async function begin(client: Client, { url, timeoutMs }: PostgresOptions): Promise<void> {
  surviveErrors(client);
  try {
    await client.connect();
    // Frozen while the server says more than buffers hold, a process is not idle, and its statement is over.
    await client.query(`SET tcp_user_timeout = ${timeoutMs}`);
    if (hostsOf(url).mustWrite) await requireWritable(client);
  } catch (error) {
    client.end().catch(() => {});
    throw unreachable(error);
  }
}

async function requireWritable(client: ClientBase): Promise<void> {
  const { rows } = await client.query<{ transaction_read_only: string }>('SHOW transaction_read_only');
  if (rows[0]?.transaction_read_only !== 'off') throw new Error('The server takes no writes');
}

/** The next query tells of them as well; without a listener they would end the process. */
function surviveErrors(emitter: { on(event: 'error', listener: () => void): unknown }) {
  emitter.on('error', () => {});
}

/** Whatever it says: a server that lets nobody in may do so again after a change of its settings. */
const unreachable = (error: unknown) =>
  new StoreUnavailable(error instanceof AggregateError ? error.errors[0] : error);

/** Kysely over a pool of connections. Queries reject with StoreUnavailable when the database does not answer. */
export function openPool(options: PostgresOptions): Kysely<Schema> {
  const hosts = hostsOf(options.url);
  /** Each new connection goes to the host that is the good one by then. */
  class HostClient extends Client {
    constructor(config: ClientConfig = {}) {
      super({ ...config, ...clientConfig(options) });
    }
  }
  const pool = new Pool({
    ...clientConfig(options),
    max: options.poolSize,
    ...(hosts.mustWrite && { Client: HostClient, verify: verifyWritable }),
  });
  surviveErrors(pool);
  // The pool listens only while they are idle.
  pool.on('connect', surviveErrors);
  return new Kysely<Schema>({
    dialect: new PostgresDialect({
      pool: {
        connect: async () => {
          const connected = await onSomeHost(options, () => pool.connect()).catch(error => {
            throw unreachable(error);
          });
          return guarded(connected);
        },
        end: () => pool.end(),
      },
    }),
  });
}

/** For the pool, of each new connection: one to a standby is of no use, as it reads what was so a while ago. */
function verifyWritable(client: ClientBase, done: (error?: Error) => void): void {
  requireWritable(client).then(() => done(), done);
}

function guarded(client: PostgresPoolClient): PostgresPoolClient {
  const query = (sql: string, parameters: readonly unknown[]) =>
    client.query(sql, parameters.map(encode)).catch(error => {
      throw translate(error);
    });
  return { query: query as PostgresPoolClient['query'], release: () => client.release() };
}

/**
 * PostgreSQL's SQLSTATEs that say something of the server or the session rather than the statement: no space (53100),
 * read-only by its settings or after a failover (25006), damage (XX001, XX002), errors of its disk (58), connection (08), a
 * plan that another version's migration made useless (0A000), a transaction that lasted too long (25P03, 25P04), prepared
 * statements that somebody dropped (26), a deadlock with somebody else (40), other resources (53), a lock that was waited
 * for too long (55P03), and shutdowns and timeouts (57).
 */
const FAULTS: readonly [RegExp, StoreFault][] = [
  [/^53100/, 'full'],
  [/^25006/, 'read-only'],
  [/^XX00[12]/, 'damaged'],
  [/^58/, 'failing'],
  [/^(08|0A000|25P03|25P04|26|40|53|55P03|57)/, 'away'],
];

/** Errors of the server and of the way to it as StoreUnavailable; any other as it is. */
export function translate(error: unknown): unknown {
  if (error instanceof StoreUnavailable) return error;
  const { code } = Object(error) as { code?: unknown };
  if (error instanceof DatabaseError) {
    const [, fault] = FAULTS.find(([codes]) => codes.test(String(code))) ?? [];
    return fault ? new StoreUnavailable(error, fault) : error;
  }
  return isConnectionError(error) ? new StoreUnavailable(error) : error;
}

/** What is neither a server's error nor a mistake in the program comes from the socket, or from pg about it. */
function isConnectionError(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (typeof Object(error).syscall === 'string' || error instanceof AggregateError) return true;
  return /connection|timeout|client was closed|not queryable/i.test(error.message);
}

/** SQLSTATEs of a server that would have done the same a moment later: it starts, or somebody else held what was asked for. */
const MOMENTARY = /^(25P03|25P04|40|55P03|57014|57P03)/;

/** What the client says of its own timeouts: of a connection, a statement, and one of the pool. */
const CLIENT_TIMEOUT =
  /^(timeout expired|Connection terminated due to connection timeout|Query read timeout|timeout exceeded when trying to connect)$/;

/** Whether an error, or what caused it, says that the server was slow, and not that it can't be used. */
export function isSlowAnswer(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (error instanceof DatabaseError) return MOMENTARY.test(String(error.code));
  return isSlowAnswer(error.cause) || CLIENT_TIMEOUT.test(error.message);
}
