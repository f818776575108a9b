import type { ColumnType, Selectable } from 'kysely';

/** Milliseconds since the Unix epoch. */
export type Time = number;
/** JSON text. */
export type Json = string;
/** Millionths of a credit, a whole number. */
export type MicroCredits = number;
/** A column with a default, so that new rows may leave it out. */
export type Defaulted<T> = ColumnType<T, T | undefined, T>;

/** The types of columns, by their names in PostgreSQL. */
export type SqlType = 'text' | 'bigint' | 'double precision';

/** A column: its type in the database and, for the compiler alone, its type in Kysely. */
interface ColumnOf<KyselyType> {
  readonly type: SqlType;
  /** Whether `WriteTransaction.tally` adds to it. */
  readonly isSum?: true;
  readonly kysely?: () => KyselyType;
}

export const textColumn = <T = string>(): ColumnOf<T> => ({ type: 'text' });
export const integerColumn = <T = number>(): ColumnOf<T> => ({ type: 'bigint' });
/** A sum that grows by what is tallied. */
export const sumColumn = <T = number>(): ColumnOf<T> => ({ type: 'bigint', isSum: true });
export const realColumn = <T = number>(): ColumnOf<T> => ({ type: 'double precision' });

type Columns = Readonly<Record<string, { type: SqlType; isSum?: true }>>;

export type KyselyTable<C extends Columns> = {
  [Name in keyof C]: C[Name] extends ColumnOf<infer KyselyType> ? KyselyType : never;
};

/** Which rows stay in memory from one batch to the next. */
interface Keeping<Row> {
  /** Rows that no later batch is likely to need. */
  until?(row: Row): boolean;
  /** Rows are usually read once, so reading them is a reason not to keep them. */
  readOnce?: true;
}

export interface TableOf<C extends Columns> {
  /** The column that is the primary key. */
  readonly key: keyof C & string;
  readonly columns: C;
  readonly columnNames: string[];
  readonly sumNames: string[];
  /** Absent if rows stay in memory only until they are written. */
  readonly kept?: Keeping<Selectable<KyselyTable<C>>> | undefined;
}

export const defineTable = <const C extends Columns>(key: keyof C & string, columns: C): TableOf<C> => ({
  ...{ key, columns },
  columnNames: Object.keys(columns),
  sumNames: Object.keys(columns).filter(name => columns[name]?.isSum),
});

/** A table whose rows stay in memory from one batch to the next. */
export const defineKeptTable = <const C extends Columns>(
  key: keyof C & string,
  columns: C,
  kept: Keeping<Selectable<KyselyTable<C>>> = {},
): TableOf<C> => ({ ...defineTable(key, columns), kept });
