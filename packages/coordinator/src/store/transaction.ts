import type { RowIndex } from './indexes.ts';
import type { NewRow, Row, Table } from './schema.ts';

export type Column<T extends Table> = keyof Row<T> & string;
export type Value = string | number | null;

/**
 * A write transaction. Each call works on many rows, in the way that is cheapest for the engine: SQLite runs a prepared
 * statement for each row, PostgreSQL gets one statement for all rows.
 */
export interface WriteTransaction {
  /**
   * Returns the rows whose `column` is one of `values`, and for which the fixed SQL condition `where` holds. The rows
   * are copies: changing one changes nothing in the store.
   */
  load<T extends Table>(
    table: T,
    column: Column<T>,
    values: readonly Value[],
    where?: string,
  ): Promise<Row<T>[]>;
  /** Returns the first `limit` rows of an index for each of `values`, in the order of the index; all rows without a limit. */
  first<T extends Table>(index: RowIndex<T>, values: readonly Value[], limit?: number): Promise<Row<T>[]>;
  /** Returns rows by a unique key of several columns, whose values never change in a row. */
  find<T extends Table>(
    table: T,
    columns: readonly Column<T>[],
    keys: readonly (readonly Value[])[],
  ): Promise<Row<T>[]>;
  /** As `load`, for columns whose values never change in a row, so that an engine may keep them in memory. */
  loadFixed<T extends Table, C extends Column<T>>(
    table: T,
    key: Column<T>,
    values: readonly Value[],
    columns: readonly C[],
  ): Promise<Pick<Row<T>, C>[]>;
  /** Inserts rows, all of which must have the same columns. */
  insert<T extends Table>(table: T, rows: readonly NewRow<T>[]): Promise<void>;
  /** Sets `columns` of the existing rows with the same `key`. */
  update<T extends Table>(
    table: T,
    key: Column<T>,
    columns: readonly Column<T>[],
    rows: readonly Partial<Row<T>>[],
  ): Promise<void>;
  /** Deletes the rows whose `key` is one of `values`. */
  delete<T extends Table>(table: T, key: Column<T>, values: readonly Value[]): Promise<void>;
  /** Adds to numeric columns of existing rows: each column of `rows` other than `key` is the amount to add. */
  add<T extends Table>(table: T, key: Column<T>, rows: readonly Partial<Row<T>>[]): Promise<void>;
  /** Inserts rows. Where a row with the same `key` exists, sets its other columns. */
  upsert<T extends Table>(table: T, key: readonly Column<T>[], rows: readonly NewRow<T>[]): Promise<void>;
  /** Runs an SQL statement that writes to `table`, with `?` for its values. It is prepared once. */
  execute(table: Table, sql: string, values: readonly Value[]): Promise<void>;
  /** Runs an SQL query with `?` for its values. It is prepared once, for hot paths where building a query costs too much. */
  query<R>(sql: string, values: readonly Value[]): Promise<R[]>;
}
