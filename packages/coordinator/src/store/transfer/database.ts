import type { Table } from '../schema.ts';
import type { Transaction, Value } from '../transaction.ts';

/** One consistent moment of a database, whoever writes to it meanwhile. */
export interface Source {
  /** Names of a table's columns. */
  columns(table: Table): Promise<readonly string[]>;
  count(table: Table): Promise<number>;
  /** All rows in the order of their primary key, some at a time, each as the values of `columns`. */
  read(table: Table, columns: readonly string[]): AsyncIterable<readonly (readonly Value[])[]>;
  /** What was not committed is undone. */
  close(): Promise<void>;
}

/** A database to fill, or to change as a whole, in one transaction without a limit of time. Reads see what was written. */
export interface Target extends Source {
  readonly tx: Pick<Transaction, 'insert' | 'delete' | 'upsert' | 'execute' | 'query'>;
  /** Whether no coordinator runs on the database. */
  isAlone(): Promise<boolean>;
  /** Resolves when all that was asked of `tx` is done. */
  written(): Promise<void>;
  /** Makes it last, with the next generated ids behind those that were inserted. */
  commit(): Promise<void>;
}
