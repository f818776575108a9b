import type { StatementSync } from 'node:sqlite';
import { bounded } from '../numbers.ts';
import type { Value } from '../transaction.ts';

export type SqliteRow = Record<string, Value>;

/**
 * All rows of a statement. `node:sqlite` refuses to read a whole page for one integer beyond 2^53; such a number is
 * read as one that is out of range, so that a damaged row stops nobody from reading the others.
 */
export function readAll(statement: StatementSync, values: readonly Value[]): SqliteRow[] {
  try {
    return statement.all(...values) as SqliteRow[];
  } catch (error) {
    if (!isTooLarge(error)) throw error;
    return [...readBounded(statement, values)];
  }
}

/** As `readAll`, row by row, and slower where nothing is wrong. */
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
    if (typeof value === 'bigint') row[column] = bounded(Number(value));
  }
  return row as SqliteRow;
}

const isTooLarge = (error: unknown) => (error as NodeJS.ErrnoException).code === 'ERR_OUT_OF_RANGE';
