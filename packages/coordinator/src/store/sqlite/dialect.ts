import type { DatabaseSync } from 'node:sqlite';
import { Kysely, SqliteDialect } from 'kysely';
import type { Schema } from '../schema.ts';
import type { Value } from '../transaction.ts';

/** Kysely over a `node:sqlite` connection. Closing it is the connection's owner's business. */
export function kyselyOver(database: DatabaseSync): Kysely<Schema> {
  return new Kysely<Schema>({
    dialect: new SqliteDialect({
      database: {
        close() {},
        prepare(sql) {
          const statement = database.prepare(sql);
          return {
            reader: statement.columns().length > 0,
            all: parameters => statement.all(...(parameters as Value[])),
            run: parameters => statement.run(...(parameters as Value[])),
            iterate: parameters => statement.iterate(...(parameters as Value[])),
          };
        },
      },
    }),
  });
}
