import { createHash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { ClientBase } from 'pg';
import type { Transaction } from '../transaction.ts';
import { binaryArray } from './binary-arrays.ts';
import { createSums } from './sums.ts';
import { encode } from './text.ts';

/** PostgreSQL's name of each column's type: `types.get('job')?.get('rank')` is `bigint`. */
export type ColumnCatalog = ReadonlyMap<string, ReadonlyMap<string, string>>;

/** By the system's tables: the views of the information schema take the server ten times as long. */
export async function readCatalog(client: ClientBase): Promise<ColumnCatalog> {
  const { rows } = await client.query<{ table_name: string; column_name: string; data_type: string }>(
    `SELECT relname AS table_name, attname AS column_name, format_type(atttypid, NULL) AS data_type
      FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid
      WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p') AND attnum > 0 AND NOT attisdropped`,
  );
  const byTable = Map.groupBy(rows, row => row.table_name);
  return new Map(
    [...byTable].map(([table, columns]) => [
      table,
      new Map(columns.map(({ column_name, data_type }) => [column_name, data_type])),
    ]),
  );
}

export interface PostgresTransaction extends Transaction {
  /** Sends what waits. Rejects with the first error of a write. */
  written(): Promise<void>;
  /** Forgets what a transaction left that is to be rolled back. Resolves with the first error of a statement, if any. */
  abandon(): Promise<unknown>;
}

const KEPT_ROWS = 10_000;

/**
 * The transaction's calls on one connection, each a single statement for all its rows: they are sent as one array for
 * each column, so that the statement is the same however many rows there are, and prepared once. `BEGIN` and
 * `COMMIT` are the caller's.
 *
 * Writes are sent and not waited for: reads behind them see what they wrote, since a connection has one order, and
 * `written` tells of their errors. Differences wait until somebody looks at their table. A batch so waits for the
 * network as often as it reads, and once more to commit.
 */
export function postgresTransaction(
  client: ClientBase,
  catalog: ColumnCatalog,
  gather: () => void = () => {},
): PostgresTransaction {
  const sums = createSums();
  const fixed = new LRUCache<string, object>({ max: KEPT_ROWS });
  let writes: Promise<unknown>[] = [];
  /** What failed first in this transaction: all that follows is refused for that. */
  let failed: { first?: unknown } = {};

  /** Writes that leave as one statement, no two to one table: the parts of a statement don't see each other. */
  const group = new Map<string, Part>();

  async function read<R>(sql: string, values: readonly unknown[]): Promise<R[]> {
    sendGroup();
    return await run(sql, values);
  }

  function write(table: string, sql: string, values: readonly unknown[]) {
    if (group.has(table)) sendGroup();
    group.set(table, { sql, values });
  }

  function sendGroup() {
    if (group.size === 0) return;
    const parts = [...group.values()];
    group.clear();
    const sent = run(
      inOne(parts.map(part => part.sql)),
      parts.flatMap(part => part.values),
    );
    sent.catch(() => {});
    writes.push(sent);
  }

  async function run<R>(sql: string, values: readonly unknown[]): Promise<R[]> {
    gather();
    const failing = failed;
    try {
      const { rows } = await client.query({ name: nameOf(sql), text: sql, values: values.map(encode) });
      return rows as R[];
    } catch (error) {
      failing.first ??= error;
      throw error;
    }
  }

  function sendSums(table: string) {
    for (const { key, rows } of sums.take(table)) sendSum(table, key, rows);
  }

  function sendSumsOf(sql: string) {
    const words = wordsOf(sql);
    for (const table of sums.tables()) if (words.has(table)) sendSums(table);
  }

  function sendSum(table: string, key: string, rows: readonly object[]) {
    const columns = Object.keys(rows[0] ?? {}).filter(column => column !== key);
    const all = [key, ...columns];
    const settings = columns.map(column => `${column} = ${table}.${column} + by.${column}`);
    const sql = `UPDATE ${table} SET ${settings} FROM ${arrays(table, all)} AS by(${all}) WHERE ${table}.${key} = by.${key}`;
    write(table, sql, arraysOf(table, all, rows));
  }

  const typeOf = (table: string, column: string) => {
    const type = catalog.get(table)?.get(column);
    if (!type) throw new Error(`The database has no column ${table}.${column}`);
    return type;
  };
  /** `unnest($1::text[],$2::bigint[])`, one array for each column. */
  const arrays = (table: string, columns: readonly string[]) =>
    `unnest(${columns.map((column, index) => `$${index + 1}::${typeOf(table, column)}[]`)})`;
  const arrayOf = (table: string, column: string, values: readonly unknown[]) =>
    binaryArray(typeOf(table, column), values);
  const arraysOf = (table: string, columns: readonly string[], rows: readonly object[]) =>
    columns.map(column =>
      arrayOf(
        table,
        column,
        rows.map(row => (row as Record<string, unknown>)[column]),
      ),
    );

  return {
    async load(table, column, values, where) {
      if (values.length === 0) return [];
      sendSums(table);
      const and = where === undefined ? '' : ` AND ${where}`;
      const sql = `SELECT * FROM ${table} WHERE ${column} = ANY($1::${typeOf(table, column)}[])${and}`;
      return await read(sql, [arrayOf(table, column, values)]);
    },
    async first({ table, column, where, order }, values, limit) {
      sendSums(table);
      const type = typeOf(table, column);
      const select = `SELECT ${table}.* FROM unnest($1::${type}[]) AS wanted,
        LATERAL (SELECT * FROM ${table} WHERE ${column} = wanted AND ${where} ORDER BY ${order} LIMIT $2) AS ${table}`;
      return values.length === 0 ? [] : await read(select, [arrayOf(table, column, values), limit ?? null]);
    },
    async find(table, columns, keys) {
      if (keys.length === 0) return [];
      sendSums(table);
      const same = columns.map(column => `${table}.${column} = wanted.${column}`).join(' AND ');
      const sql = `SELECT ${table}.* FROM ${arrays(table, columns)} AS wanted(${columns}) JOIN ${table} ON ${same}`;
      return await read(
        sql,
        columns.map((column, at) =>
          arrayOf(
            table,
            column,
            keys.map(key => key[at]),
          ),
        ),
      );
    },
    async loadFixed(table, key, values, columns) {
      const idOf = (value: unknown) => `${table} ${columns} ${value}`;
      const missing = values.filter(value => !fixed.has(idOf(value)));
      if (missing.length > 0) {
        const sql = `SELECT ${key} AS fixed_key, ${columns} FROM ${table} WHERE ${key} = ANY($1::${typeOf(table, key)}[])`;
        for (const { fixed_key, ...row } of await read<{ fixed_key: unknown }>(sql, [
          arrayOf(table, key, missing),
        ])) {
          fixed.set(idOf(fixed_key), row);
        }
      }
      return values.flatMap(value => (fixed.get(idOf(value)) as never) ?? []);
    },
    async insert(table, rows) {
      if (!rows[0]) return;
      const columns = Object.keys(rows[0]);
      write(
        table,
        `INSERT INTO ${table} (${columns}) SELECT * FROM ${arrays(table, columns)}`,
        arraysOf(table, columns, rows),
      );
    },
    async update(table, key, columns, rows) {
      if (!rows[0]) return;
      if (sums.touch(table, columns)) sendSums(table);
      const all = [key, ...columns];
      const settings = columns.map(column => `${column} = new.${column}`);
      const sql = `UPDATE ${table} SET ${settings} FROM ${arrays(table, all)} AS new(${all}) WHERE ${table}.${key} = new.${key}`;
      write(table, sql, arraysOf(table, all, rows));
    },
    async delete(table, key, values) {
      if (values.length === 0) return;
      sendSums(table);
      write(table, `DELETE FROM ${table} WHERE ${key} = ANY($1::${typeOf(table, key)}[])`, [
        arrayOf(table, key, values),
      ]);
    },
    async add(table, key, rows) {
      sums.add(table, key, rows);
    },
    async upsert(table, key, rows) {
      if (!rows[0]) return;
      sendSums(table);
      const columns = Object.keys(rows[0]);
      const settings = columns.filter(column => !(key as readonly string[]).includes(column));
      const sql = `INSERT INTO ${table} (${columns}) SELECT * FROM ${arrays(table, columns)}
        ON CONFLICT (${key}) DO UPDATE SET ${settings.map(column => `${column} = excluded.${column}`)}`;
      write(table, sql, arraysOf(table, columns, rows));
    },
    async execute(table, sql, values) {
      sendSumsOf(sql);
      write(table, numbered(sql), values);
    },
    async query(sql, values) {
      sendSumsOf(sql);
      return await read(numbered(sql), values);
    },
    async written() {
      for (const table of sums.tables()) sendSums(table);
      sendGroup();
      const sent = writes;
      writes = [];
      await Promise.all(sent);
    },
    async abandon() {
      sums.clear();
      group.clear();
      const sent = writes;
      writes = [];
      await Promise.allSettled(sent);
      const { first } = failed;
      failed = {};
      return first;
    },
  };
}

interface Part {
  sql: string;
  values: readonly unknown[];
}

const inOneByParts = new Map<string, string>();

/** Several statements as one, their parameters counted on. */
function inOne(parts: readonly string[]): string {
  const [only] = parts;
  if (only !== undefined && parts.length === 1) return only;
  const key = parts.join(';');
  let text = inOneByParts.get(key);
  if (text === undefined) {
    let used = 0;
    const numberedOn = parts.map((part, index) => {
      const offset = used;
      const shifted = part.replace(/\$(\d+)/g, (_, digits) => {
        used = Math.max(used, offset + Number(digits));
        return `$${offset + Number(digits)}`;
      });
      return `write_${index} AS (${shifted})`;
    });
    text = `WITH ${numberedOn.join(', ')} SELECT 1`;
    inOneByParts.set(key, text);
  }
  return text;
}

const names = new Map<string, string>();

/** PostgreSQL cuts names after 63 bytes. */
function nameOf(sql: string): string {
  const known = names.get(sql);
  if (known !== undefined) return known;
  const name = createHash('sha256').update(sql).digest('base64url');
  names.set(sql, name);
  return name;
}

const wordsBySql = new Map<string, ReadonlySet<string>>();

/** Among them the tables that a statement reads. */
function wordsOf(sql: string): ReadonlySet<string> {
  let words = wordsBySql.get(sql);
  if (!words) {
    words = new Set(sql.match(/\w+/g));
    wordsBySql.set(sql, words);
  }
  return words;
}

const numberedBySql = new Map<string, string>();

/** `$1`, `$2`, … for each `?`. */
function numbered(sql: string): string {
  let text = numberedBySql.get(sql);
  if (text === undefined) {
    let count = 0;
    text = sql.replace(/\?/g, () => `$${++count}`);
    numberedBySql.set(sql, text);
  }
  return text;
}
