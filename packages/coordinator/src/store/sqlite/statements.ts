import type { DatabaseSync } from 'node:sqlite';
import { clampNumber } from '../numbers.ts';
import { TABLES } from '../schema.ts';
import type { Statements, StoredRow } from '../statements.ts';
import type { Value } from '../transaction.ts';
import { readAll, statementCache } from './read-rows.ts';

/** Runs statements on one connection. The caller begins and commits the transaction. */
export function createSqliteStatements(database: DatabaseSync): Statements {
  const prepared = statementCache(database);

  function each(sql: string, columns: readonly string[], rows: readonly StoredRow[]) {
    const statement = prepared(sql);
    for (const row of rows) statement.run(...columns.map(column => toStoredValue(row[column] ?? null)));
  }

  const readEach = (sql: string, all: readonly (readonly Value[])[]) => {
    const statement = prepared(sql);
    return all.flatMap(values => readAll(statement, values));
  };

  return {
    prefersFewStatements: false,
    async load(table, column, values, where) {
      const and = where === undefined ? '' : ` AND ${where}`;
      return readEach(
        `SELECT * FROM ${table} WHERE ${column} = ?${and}`,
        values.map(value => [value]),
      );
    },
    async first({ table, column, where, order }, values, limit = -1) {
      return readEach(
        `SELECT * FROM ${table} WHERE ${column} = ? AND ${where} ORDER BY ${order} LIMIT ?`,
        values.map(value => [value, limit]),
      );
    },
    async find(table, columns, keys) {
      const conditions = columns.map(column => `${column} = ?`);
      return readEach(`SELECT * FROM ${table} WHERE ${conditions.join(' AND ')}`, keys);
    },
    async insert(table, columns, rows) {
      each(`INSERT INTO ${table} (${columns}) VALUES (${columns.map(() => '?')})`, columns, rows);
    },
    async upsert(table, columns, rows) {
      const { key } = TABLES[table];
      const settings = columns
        .filter(column => column !== key)
        .map(column => `${column} = excluded.${column}`);
      const sql = `INSERT INTO ${table} (${columns}) VALUES (${columns.map(() => '?')})
        ON CONFLICT (${key}) DO UPDATE SET ${settings}`;
      each(sql, columns, rows);
    },
    async update(table, columns, rows) {
      const { key } = TABLES[table];
      const settings = columns.map(column => `${column} = ?`);
      each(`UPDATE ${table} SET ${settings} WHERE ${key} = ?`, [...columns, key], rows);
    },
    async add(table, columns, rows) {
      const { key } = TABLES[table];
      const settings = columns.map(column => `${column} = ${column} + ?`);
      each(`UPDATE ${table} SET ${settings} WHERE ${key} = ?`, [...columns, key], rows);
    },
    async delete(table, keys) {
      const statement = prepared(`DELETE FROM ${table} WHERE ${TABLES[table].key} = ?`);
      for (const key of keys) statement.run(key);
    },
    async execute(_table, sql, values) {
      prepared(sql).run(...values);
    },
    async query(sql, values) {
      return readAll(prepared(sql), values);
    },
  };
}

const toStoredValue = (value: Value) => (typeof value === 'number' ? clampNumber(value) : value);
