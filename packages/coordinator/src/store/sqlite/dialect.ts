import type { DatabaseSync } from 'node:sqlite';
import { Kysely, SqliteDialect } from 'kysely';
import type { DatabaseSchema } from '../schema.ts';
import type { Value } from '../transaction.ts';
import { withTranslatedError } from './faults.ts';
import { readAll, readBounded } from './read-rows.ts';

/**
 * Kysely over a `node:sqlite` connection. Queries reject with StoreUnavailable where the database fails. The caller
 * closes the connection.
 */
export function kyselyOver(database: DatabaseSync): Kysely<DatabaseSchema> {
  return new Kysely<DatabaseSchema>({
    dialect: new SqliteDialect({
      database: {
        close() {},
        prepare(sql) {
          const statement = withTranslatedError(() => database.prepare(sql));
          return {
            reader: statement.columns().length > 0,
            all: parameters => withTranslatedError(() => readAll(statement, parameters as Value[])),
            run: parameters => withTranslatedError(() => statement.run(...(parameters as Value[]))),
            iterate: parameters => readBounded(statement, parameters as Value[]),
          };
        },
      },
    }),
  });
}
