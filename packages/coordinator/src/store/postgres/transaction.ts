import { LRUCache } from 'lru-cache';
import type { ClientBase } from 'pg';
import type { WriteTransaction } from '../transaction.ts';
import { binaryArray } from './binary-arrays.ts';
import { createPendingIncrements } from './increments.ts';
import {
  joinStatements,
  numberParameters,
  type StatementPart,
  statementName,
  wordsOf,
} from './statements.ts';
import { encode } from './text.ts';

/** PostgreSQL's name of each column's type: `types.get('job')?.get('rank')` is `bigint`. */
export type ColumnCatalog = ReadonlyMap<string, ReadonlyMap<string, string>>;

/** Reads the types of all columns from the system's tables, since the information schema's views take ten times as long. */
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

export interface PostgresTransaction extends WriteTransaction {
  /** Sends all waiting writes. Rejects with the first error of a write. */
  flushWrites(): Promise<void>;
  /** Forgets the waiting writes of a transaction to roll back. Resolves with the first error of a statement, if any. */
  discardWrites(): Promise<unknown>;
}

const MAX_FIXED_ROWS = 10_000;

/**
 * Runs a transaction's calls on one connection, each as a single statement for all its rows. The rows are sent as one
 * array for each column, so that the statement is the same for any number of rows, and is prepared once. The caller
 * begins and commits the transaction.
 *
 * Writes are sent and not waited for: a connection keeps the order of statements, so later reads see them, and
 * `flushWrites` reports their errors. Increments wait until a statement reads their table. So a batch waits for the
 * network once for each read, and once to commit.
 */
export function createPostgresTransaction(
  client: ClientBase,
  catalog: ColumnCatalog,
  corkUntilNextTick: () => void = () => {},
): PostgresTransaction {
  const sums = createPendingIncrements();
  const fixed = new LRUCache<string, object>({ max: MAX_FIXED_ROWS });
  let writes: Promise<unknown>[] = [];
  /** The first error in this transaction. The server rejects all later statements because of it. */
  let failed: { first?: unknown } = {};

  /** Writes that go out as one statement. Each has another table, since parts of a statement don't see each other. */
  const group = new Map<string, StatementPart>();

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
      joinStatements(parts.map(part => part.sql)),
      parts.flatMap(part => part.values),
    );
    sent.catch(() => {});
    writes.push(sent);
  }

  async function run<R>(sql: string, values: readonly unknown[]): Promise<R[]> {
    corkUntilNextTick();
    const failing = failed;
    try {
      const { rows } = await client.query({
        name: statementName(sql),
        text: sql,
        values: values.map(encode),
      });
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
      if (sums.affects(table, columns)) sendSums(table);
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
      write(table, numberParameters(sql), values);
    },
    async query(sql, values) {
      sendSumsOf(sql);
      return await read(numberParameters(sql), values);
    },
    async flushWrites() {
      for (const table of sums.tables()) sendSums(table);
      sendGroup();
      const sent = writes;
      writes = [];
      await Promise.all(sent);
    },
    async discardWrites() {
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
