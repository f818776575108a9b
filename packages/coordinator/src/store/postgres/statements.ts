import type { ClientBase } from 'pg';
import { TABLES, type Table } from '../schema.ts';
import type { Statements, StoredRow } from '../statements.ts';
import type { SqlType } from '../tables/define-table.ts';
import { binaryArray } from './binary-arrays.ts';
import { joinStatements, numberParameters, type StatementPart, statementName } from './statement-text.ts';
import { encode } from './text.ts';

export interface PostgresStatements extends Statements {
  /** Sends all waiting writes. Rejects with the first error of a write. */
  flushWrites(): Promise<void>;
  /** Forgets the waiting writes of a transaction to roll back. Resolves with the first error of a statement, if any. */
  discardWrites(): Promise<unknown>;
}

/**
 * Runs statements on one connection, each for all its rows. The rows are sent as one array for each column, so that the
 * statement is the same for any number of rows, and is prepared once. The caller begins and commits the transaction.
 *
 * Writes are sent and not waited for: a connection keeps the order of statements, so later reads see them, and
 * `flushWrites` reports their errors. So a batch waits for the network once for each read, and once to commit.
 */
export function createPostgresStatements(
  client: ClientBase,
  corkUntilNextTick: () => void = () => {},
): PostgresStatements {
  let writes: Promise<unknown>[] = [];
  /** The first error in this transaction. The server rejects all later statements because of it. */
  let failed: { first?: unknown } = {};

  /** Writes that go out as one statement. Each has another table, since parts of a statement don't see each other. */
  const group = new Map<string, StatementPart>();

  async function read(sql: string, values: readonly unknown[]): Promise<StoredRow[]> {
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

  async function run(sql: string, values: readonly unknown[]): Promise<StoredRow[]> {
    corkUntilNextTick();
    const failing = failed;
    try {
      const { rows } = await client.query({
        name: statementName(sql),
        text: sql,
        values: values.map(encode),
      });
      return rows;
    } catch (error) {
      failing.first ??= error;
      throw error;
    }
  }

  return {
    prefersFewStatements: true,
    async load(table, column, values, where) {
      if (values.length === 0) return [];
      const and = where === undefined ? '' : ` AND ${where}`;
      const sql = `SELECT * FROM ${table} WHERE ${column} = ANY($1::${typeOf(table, column)}[])${and}`;
      return await read(sql, [binaryArray(typeOf(table, column), values)]);
    },
    async first({ table, column, where, order }, values, limit) {
      if (values.length === 0) return [];
      const type = typeOf(table, column);
      const select = `SELECT ${table}.* FROM unnest($1::${type}[]) AS wanted,
        LATERAL (SELECT * FROM ${table} WHERE ${column} = wanted AND ${where} ORDER BY ${order} LIMIT $2) AS ${table}`;
      return await read(select, [binaryArray(type, values), limit ?? null]);
    },
    async find(table, columns, keys) {
      if (keys.length === 0) return [];
      const same = columns.map(column => `${table}.${column} = wanted.${column}`).join(' AND ');
      const sql = `SELECT ${table}.* FROM ${arrays(table, columns)} AS wanted(${columns}) JOIN ${table} ON ${same}`;
      const valuesAt = (at: number) => keys.map(key => key[at]);
      return await read(
        sql,
        columns.map((column, at) => binaryArray(typeOf(table, column), valuesAt(at))),
      );
    },
    async insert(table, columns, rows) {
      const sql = `INSERT INTO ${table} (${columns}) SELECT * FROM ${arrays(table, columns)}`;
      write(table, sql, arraysOf(table, columns, rows));
    },
    async upsert(table, columns, rows) {
      const { key } = TABLES[table];
      const settings = columns
        .filter(column => column !== key)
        .map(column => `${column} = excluded.${column}`);
      const sql = `INSERT INTO ${table} (${columns}) SELECT * FROM ${arrays(table, columns)}
        ON CONFLICT (${key}) DO UPDATE SET ${settings}`;
      write(table, sql, arraysOf(table, columns, rows));
    },
    async update(table, columns, rows) {
      writeColumns(table, columns, rows, column => `new.${column}`);
    },
    async add(table, columns, rows) {
      writeColumns(table, columns, rows, column => `${table}.${column} + coalesce(new.${column}, 0)`);
    },
    async delete(table, keys) {
      const { key } = TABLES[table];
      const type = typeOf(table, key);
      write(table, `DELETE FROM ${table} WHERE ${key} = ANY($1::${type}[])`, [binaryArray(type, keys)]);
    },
    async execute(table, sql, values) {
      // It may read what waits in the group.
      sendGroup();
      write(table, numberParameters(sql), values);
    },
    query: async (sql, values) => await read(numberParameters(sql), values),
    async flushWrites() {
      sendGroup();
      const sent = writes;
      writes = [];
      await Promise.all(sent);
    },
    async discardWrites() {
      group.clear();
      const sent = writes;
      writes = [];
      await Promise.allSettled(sent);
      const { first } = failed;
      failed = {};
      return first;
    },
  };

  function writeColumns(
    table: Table,
    columns: readonly string[],
    rows: readonly StoredRow[],
    newValue: (column: string) => string,
  ) {
    const { key } = TABLES[table];
    const all = [key, ...columns];
    const settings = columns.map(column => `${column} = ${newValue(column)}`);
    const sql = `UPDATE ${table} SET ${settings} FROM ${arrays(table, all)} AS new(${all}) WHERE ${table}.${key} = new.${key}`;
    write(table, sql, arraysOf(table, all, rows));
  }
}

function typeOf(table: Table, column: string): SqlType {
  const described = (TABLES[table].columns as Record<string, { type: SqlType }>)[column];
  if (!described) throw new Error(`There is no column ${table}.${column}`);
  return described.type;
}

/** `unnest($1::text[],$2::bigint[])`, one array for each column. */
const arrays = (table: Table, columns: readonly string[]) =>
  `unnest(${columns.map((column, index) => `$${index + 1}::${typeOf(table, column)}[]`)})`;

const arraysOf = (table: Table, columns: readonly string[], rows: readonly StoredRow[]) =>
  columns.map(column =>
    binaryArray(
      typeOf(table, column),
      rows.map(row => row[column]),
    ),
  );
