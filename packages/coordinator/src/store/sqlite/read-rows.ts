import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { clampNumber } from '../numbers.ts';
import type { Value } from '../transaction.ts';

export type SqliteRow = Record<string, Value>;

/**
 * Returns all rows of a statement. `node:sqlite` throws where any integer is beyond 2^53. Such integers are clamped
 * instead, so that one damaged row does not prevent reading the others.
 */
export function readAll(statement: StatementSync, values: readonly Value[]): SqliteRow[] {
  try {
    return statement.all(...values) as SqliteRow[];
  } catch (error) {
    if (!isTooLarge(error)) throw error;
    return [...readBounded(statement, values)];
  }
}

/** As `readAll`, row by row. Slower, since it reads all integers as bigints. */
export function* readBounded(statement: StatementSync, values: readonly Value[]): Generator<SqliteRow> {
  statement.setReadBigInts(true);
  try {
    for (const row of statement.iterate(...values)) yield boundedRow(row);
  } finally {
    statement.setReadBigInts(false);
  }
}

function boundedRow(row: Record<string, unknown>): SqliteRow {
  for (const column in row) {
    const value = row[column];
    if (typeof value === 'bigint') row[column] = clampNumber(Number(value));
  }
  return row as SqliteRow;
}

const isTooLarge = (error: unknown) => (error as NodeJS.ErrnoException).code === 'ERR_OUT_OF_RANGE';

/** Prepares each statement of a connection once. */
export function statementCache(database: DatabaseSync): (sql: string) => StatementSync {
  const statements = new Map<string, StatementSync>();
  return sql => {
    let statement = statements.get(sql);
    if (!statement) {
      statement = database.prepare(sql);
      statements.set(sql, statement);
    }
    return statement;
  };
}
