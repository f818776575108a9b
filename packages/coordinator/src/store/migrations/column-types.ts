import {
  type ColumnBuilderCallback,
  type ColumnDefinitionBuilder,
  type CreateTableBuilder,
  type RawBuilder,
  sql,
} from 'kysely';

type ColumnType = Parameters<CreateTableBuilder<string>['addColumn']>[1];
type AnyTable = CreateTableBuilder<string, never>;

/** An engine's names for the column types that the schema uses. */
export interface ColumnTypes {
  /** An integer that the engine generates. */
  id: { type: ColumnType; build: ColumnBuilderCallback };
  /** An integer up to 2^53. */
  integer: ColumnType;
  /** As `integer`, for a primary key whose value the coordinator chooses. */
  primaryInteger: ColumnType;
  /** A double-precision number. */
  real: ColumnType;
  /** Text that sorts by its bytes. */
  text: ColumnType;
  /** SQL that returns the schema of new tables, for an engine whose databases have several schemas. */
  schema?: RawBuilder<string | null>;
  /** Stores a table's rows in the order of their primary key, where the engine can. */
  clustered<Builder>(table: Builder): Builder;
}

/** SQLite clusters by `WITHOUT ROWID`, which saves an index. Ids are time-ordered, so new rows go to the end. */
export const SQLITE_TYPES: ColumnTypes = {
  id: { type: 'integer', build: column => column.primaryKey() },
  integer: 'integer',
  primaryInteger: 'integer',
  real: 'real',
  text: 'text',
  clustered: table => (table as AnyTable).modifyEnd(sql`WITHOUT ROWID`) as typeof table,
};

/** Text sorts by bytes whatever the database's collation, so that pages have the same order as on SQLite. */
export const POSTGRES_TYPES: ColumnTypes = {
  id: {
    type: 'bigint',
    build: (column: ColumnDefinitionBuilder) => column.primaryKey().generatedByDefaultAsIdentity(),
  },
  integer: 'bigint',
  primaryInteger: 'bigint',
  real: 'double precision',
  text: sql`text COLLATE "C"`,
  schema: sql`current_schema()`,
  clustered: table => table,
};
