import type { Table } from '../schema.ts';
import type { Value, WriteTransaction } from '../transaction.ts';

/** A database in one consistent state, whatever others write meanwhile. */
export interface Source {
  /** Resolves with the names of a table's columns. */
  columns(table: Table): Promise<readonly string[]>;
  count(table: Table): Promise<number>;
  /** Yields all rows sorted by primary key, some at a time, each as the values of `columns`. */
  read(table: Table, columns: readonly string[]): AsyncIterable<readonly (readonly Value[])[]>;
  /** Closes the connection, and rolls back what was not committed. */
  close(): Promise<void>;
}

/** A database to fill, or to change as a whole, in one transaction without a time limit. Reads see its own writes. */
export interface Target extends Source {
  readonly tx: Pick<WriteTransaction, 'insert' | 'delete' | 'upsert' | 'execute' | 'query'>;
  /** Whether no coordinator runs on the database. */
  isDatabaseUnused(): Promise<boolean>;
  /** Resolves when all writes of `tx` are done. */
  flushWrites(): Promise<void>;
  /** Commits, and lets the ids that the database generates continue after the inserted ones. */
  commit(): Promise<void>;
}
