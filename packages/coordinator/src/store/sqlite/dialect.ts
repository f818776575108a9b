import type { DatabaseSync } from 'node:sqlite';
import { Kysely, SqliteDialect } from 'kysely';
import type { Schema } from '../schema.ts';
import type { Value } from '../transaction.ts';
import { translated } from './faults.ts';
import { readAll, readBounded } from './reading.ts';

/** Kysely over a `node:sqlite` connection. Queries reject with StoreUnavailable for faults of the database. Closing it is the connection's owner's business. */
export function kyselyOver(database: DatabaseSync): Kysely<Schema> {
  return new Kysely<Schema>({
    dialect: new SqliteDialect({
      database: {
        close() {},
        prepare(sql) {
          const statement = translated(() => database.prepare(sql));
          return {
            reader: statement.columns().length > 0,
            all: parameters => translated(() => readAll(statement, parameters as Value[])),
            run: parameters => translated(() => statement.run(...(parameters as Value[]))),
            iterate: parameters => readBounded(statement, parameters as Value[]),
          };
        },
      },
    }),
  });
}
