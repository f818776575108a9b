import type { RowIndex } from './indexes.ts';
import type { NewRow, Row, Table } from './schema.ts';

export type Column<T extends Table> = keyof Row<T> & string;
export type Value = string | number | null;

/**
 * What operations work on: the rows of a batch's transaction, each of which is loaded once, and written once at the end.
 * All methods take many rows.
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
  /** Inserts rows, all of which must have the same columns. */
  insert<T extends Table>(table: T, rows: readonly NewRow<T>[]): Promise<void>;
  /** Changes existing rows: sets the columns that each of `rows` has beside the primary key. */
  update<T extends Table>(table: T, rows: readonly Partial<Row<T>>[]): Promise<void>;
  /** Changes existing rows: sets the columns in which each row differs from what it was. */
  change<T extends Table>(table: T, changes: readonly RowChange<Row<T>>[]): Promise<void>;
  /** Adds to numeric columns of existing rows. Amounts for the same row are added up before they are written. */
  add<T extends Table>(table: T, rows: readonly Partial<Row<T>>[]): Promise<void>;
  /** Inserts rows. Where a row with the same primary key exists, adds to the columns that the table declares as sums. */
  tally<T extends Table>(table: T, rows: readonly NewRow<T>[]): Promise<void>;
  /** Inserts rows. Where a row with the same primary key exists, sets its other columns. */
  upsert<T extends Table>(table: T, rows: readonly NewRow<T>[]): Promise<void>;
  /** Deletes the rows with these primary keys. */
  delete(table: Table, keys: readonly Value[]): Promise<void>;
  /** Runs an SQL statement that writes to `table`, with `?` for its values. `reads` names the other tables in it. */
  execute(table: Table, sql: string, values: readonly Value[], reads?: readonly Table[]): Promise<void>;
  /** Runs an SQL query over the tables `reads`, with `?` for its values. It is prepared once. */
  query<R>(reads: readonly Table[], sql: string, values: readonly Value[]): Promise<R[]>;
}

/** A row before and after a change. */
export interface RowChange<R> {
  before: R;
  after: R;
}
