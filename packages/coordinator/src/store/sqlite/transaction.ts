import type { DatabaseSync } from 'node:sqlite';
import { clampNumber } from '../numbers.ts';
import type { Value, WriteTransaction } from '../transaction.ts';
import { readAll, statementCache } from './read-rows.ts';

type Values = Record<string, Value>;

/** Runs a transaction's calls on one connection. The caller begins and commits the transaction. */
export function createSqliteTransaction(database: DatabaseSync): WriteTransaction {
  const prepared = statementCache(database);

  function each(sql: string, columns: readonly string[], rows: readonly object[]) {
    const statement = prepared(sql);
    for (const row of rows)
      statement.run(...columns.map(column => toStoredValue((row as Values)[column] ?? null)));
  }

  return {
    async load(table, column, values, where) {
      const and = where === undefined ? '' : ` AND ${where}`;
      const statement = prepared(`SELECT * FROM ${table} WHERE ${column} = ?${and}`);
      return values.flatMap(value => readAll(statement, [value])) as never;
    },
    async first({ table, column, where, order }, values, limit = -1) {
      const statement = prepared(
        `SELECT * FROM ${table} WHERE ${column} = ? AND ${where} ORDER BY ${order} LIMIT ?`,
      );
      return values.flatMap(value => readAll(statement, [value, limit])) as never;
    },
    async find(table, columns, keys) {
      const conditions = columns.map(column => `${column} = ?`);
      const statement = prepared(`SELECT * FROM ${table} WHERE ${conditions.join(' AND ')}`);
      return keys.flatMap(key => readAll(statement, key)) as never;
    },
    async loadFixed(table, key, values, columns) {
      const statement = prepared(`SELECT ${columns} FROM ${table} WHERE ${key} = ?`);
      return values.flatMap(value => readAll(statement, [value])) as never;
    },
    async insert(table, rows) {
      if (!rows[0]) return;
      const columns = Object.keys(rows[0]);
      each(`INSERT INTO ${table} (${columns}) VALUES (${columns.map(() => '?')})`, columns, rows);
    },
    async update(table, key, columns, rows) {
      if (!rows[0]) return;
      const settings = columns.map(column => `${column} = ?`);
      each(`UPDATE ${table} SET ${settings} WHERE ${key} = ?`, [...columns, key], rows);
    },
    async delete(table, key, values) {
      const statement = prepared(`DELETE FROM ${table} WHERE ${key} = ?`);
      for (const value of values) statement.run(value);
    },
    async add(table, key, rows) {
      if (!rows[0]) return;
      const columns = Object.keys(rows[0]).filter(column => column !== key);
      const settings = columns.map(column => `${column} = ${column} + ?`);
      each(`UPDATE ${table} SET ${settings} WHERE ${key} = ?`, [...columns, key], rows);
    },
    async upsert(table, key, rows) {
      if (!rows[0]) return;
      const columns = Object.keys(rows[0]);
      const settings = columns.filter(column => !(key as readonly string[]).includes(column));
      const sql = `INSERT INTO ${table} (${columns}) VALUES (${columns.map(() => '?')})
        ON CONFLICT (${key}) DO UPDATE SET ${settings.map(column => `${column} = excluded.${column}`)}`;
      each(sql, columns, rows);
    },
    async execute(_table, sql, values) {
      prepared(sql).run(...values);
    },
    async query(sql, values) {
      return readAll(prepared(sql), values) as never;
    },
  };
}

const toStoredValue = (value: Value) => (typeof value === 'number' ? clampNumber(value) : value);
