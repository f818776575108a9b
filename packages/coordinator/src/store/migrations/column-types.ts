import {
  type ColumnBuilderCallback,
  type ColumnDefinitionBuilder,
  type CreateTableBuilder,
  type RawBuilder,
  sql,
} from 'kysely';

type ColumnType = Parameters<CreateTableBuilder<string>['addColumn']>[1];
type AnyTable = CreateTableBuilder<string, never>;

/** How an engine calls what the schema needs. */
export interface ColumnTypes {
  /** A number that the engine makes up. */
  id: { type: ColumnType; build: ColumnBuilderCallback };
  /** Up to 2^53. */
  integer: ColumnType;
  /** As `integer`, for a primary key that the program makes up. */
  primaryInteger: ColumnType;
  /** A double. */
  real: ColumnType;
  /** Sorted by its bytes. */
  text: ColumnType;
  /** SQL for where new tables go, in an engine whose databases have several schemas. */
  schema?: RawBuilder<string | null>;
  /** For a table whose rows are best kept in the order of their key. */
  clustered<Builder>(table: Builder): Builder;
}

/** Ids are time-ordered, so clustered rows are appended, and no second tree holds the key. */
export const SQLITE_TYPES: ColumnTypes = {
  id: { type: 'integer', build: column => column.primaryKey() },
  integer: 'integer',
  primaryInteger: 'integer',
  real: 'real',
  text: 'text',
  clustered: table => (table as AnyTable).modifyEnd(sql`WITHOUT ROWID`) as typeof table,
};

/** Whatever collation the database has, pages follow the order of bytes, as elsewhere. */
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
