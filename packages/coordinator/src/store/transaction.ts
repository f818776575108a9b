import type { RowIndex } from './indexes.ts';
import type { NewRow, Row, Table } from './schema.ts';

export type Column<T extends Table> = keyof Row<T> & string;
export type Value = string | number | null;

/**
 * One write transaction. Each call is one step for many rows, which an engine does in the way that is cheapest
 * for it: a prepared statement run row by row in process, or one multi-row statement over a network.
 */
export interface Transaction {
  /**
   * Rows whose `column` is one of `values`. `where` narrows them by a fixed condition, as that of a partial index.
   * They are the caller's: changing one changes nothing that is stored.
   */
  load<T extends Table>(
    table: T,
    column: Column<T>,
    values: readonly Value[],
    where?: string,
  ): Promise<Row<T>[]>;
  /** The first rows of an index for each of `values`, in its order, or all of them. */
  first<T extends Table>(index: RowIndex<T>, values: readonly Value[], limit?: number): Promise<Row<T>[]>;
  /** The rows that a unique key of several columns names, which never change. */
  find<T extends Table>(
    table: T,
    columns: readonly Column<T>[],
    keys: readonly (readonly Value[])[],
  ): Promise<Row<T>[]>;
  /** As `load`, for columns that never change once a row is there: an engine may keep them. */
  loadFixed<T extends Table, C extends Column<T>>(
    table: T,
    key: Column<T>,
    values: readonly Value[],
    columns: readonly C[],
  ): Promise<Pick<Row<T>, C>[]>;
  /** All rows carry the same columns. */
  insert<T extends Table>(table: T, rows: readonly NewRow<T>[]): Promise<void>;
  /** Sets `columns` of the rows that `key` names. */
  update<T extends Table>(
    table: T,
    key: Column<T>,
    columns: readonly Column<T>[],
    rows: readonly Partial<Row<T>>[],
  ): Promise<void>;
  /** Deletes rows whose `key` is one of `values`. */
  delete<T extends Table>(table: T, key: Column<T>, values: readonly Value[]): Promise<void>;
  /** Adds to numeric columns of rows that exist: every column of a row but `key` is a difference. */
  add<T extends Table>(table: T, key: Column<T>, rows: readonly Partial<Row<T>>[]): Promise<void>;
  /** Inserts, or sets the columns outside `key` where a row with that key stands. */
  upsert<T extends Table>(table: T, key: readonly Column<T>[], rows: readonly NewRow<T>[]): Promise<void>;
  /** A write by hand to one table, with `?` for its values, prepared once. */
  execute(table: Table, sql: string, values: readonly Value[]): Promise<void>;
  /** A query by hand with `?` for its values, prepared once: for the hot path, where building it costs more than running it. */
  query<R>(sql: string, values: readonly Value[]): Promise<R[]>;
}
