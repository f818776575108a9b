import type { RowIndex } from './indexes.ts';
import type { Table } from './schema.ts';
import type { Value } from './transaction.ts';

/** A row as the database has it. */
export type StoredRow = Record<string, Value>;

/**
 * What an engine runs. Each call works on many rows, all with the same columns, in the way that is cheapest for the
 * engine: SQLite runs a prepared statement for each row, PostgreSQL gets one statement for all rows.
 */
export interface Statements {
  /**
   * Whether a statement that was never sent before costs more than a few columns too many. Then `update` and `add` are
   * given all columns that ever changed.
   */
  readonly prefersFewStatements: boolean;
  load(table: Table, column: string, values: readonly Value[], where?: string): Promise<StoredRow[]>;
  first(index: RowIndex<Table>, values: readonly Value[], limit?: number): Promise<StoredRow[]>;
  find(table: Table, columns: readonly string[], keys: readonly (readonly Value[])[]): Promise<StoredRow[]>;
  insert(table: Table, columns: readonly string[], rows: readonly StoredRow[]): Promise<void>;
  /** Inserts rows, or sets `columns` where a row with the same primary key exists. */
  upsert(table: Table, columns: readonly string[], rows: readonly StoredRow[]): Promise<void>;
  /** Sets `columns`, among which the primary key is not. */
  update(table: Table, columns: readonly string[], rows: readonly StoredRow[]): Promise<void>;
  /** Adds to `columns`. */
  add(table: Table, columns: readonly string[], rows: readonly StoredRow[]): Promise<void>;
  delete(table: Table, keys: readonly Value[]): Promise<void>;
  execute(table: Table, sql: string, values: readonly Value[]): Promise<void>;
  query(sql: string, values: readonly Value[]): Promise<unknown[]>;
}
