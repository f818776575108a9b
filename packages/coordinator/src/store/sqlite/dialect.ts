import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { Kysely, SqliteAdapter, SqliteDialect } from 'kysely';
import { LRUCache } from 'lru-cache';
import type { DatabaseSchema } from '../schema.ts';
import type { Value } from '../transaction.ts';
import { withTranslatedError } from './faults.ts';
import { readAll, readBounded } from './read-rows.ts';

/** How many statements stay prepared. Lists of ids of different lengths make many. */
const MAX_PREPARED = 200;

/**
 * Kysely over a `node:sqlite` connection. Queries reject with StoreUnavailable where the database fails. The caller
 * closes the connection.
 */
export function kyselyOver(database: DatabaseSync): Kysely<DatabaseSchema> {
  const prepared = new LRUCache<string, { reader: boolean; statement: StatementSync }>({ max: MAX_PREPARED });
  function prepare(sql: string) {
    const statement = withTranslatedError(() => database.prepare(sql));
    const made = { statement, reader: statement.columns().length > 0 };
    prepared.set(sql, made);
    return made;
  }
  return new Kysely<DatabaseSchema>({
    dialect: new TransactionalDialect({
      database: {
        close() {},
        prepare(sql) {
          const { statement, reader } = prepared.get(sql) ?? prepare(sql);
          return {
            reader,
            all: parameters => withTranslatedError(() => readAll(statement, parameters as Value[])),
            run: parameters => withTranslatedError(() => statement.run(...(parameters as Value[]))),
            // It must not be reset by another query of the same text.
            iterate: parameters => readBounded(database.prepare(sql), parameters as Value[]),
          };
        },
      },
    }),
  });
}

/** Kysely's own would migrate without a transaction, and a schema that is changed by half can't be brought up to date. */
class TransactionalDialect extends SqliteDialect {
  override createAdapter() {
    return new TransactionalAdapter();
  }
}

class TransactionalAdapter extends SqliteAdapter {
  override get supportsTransactionalDdl() {
    return true;
  }
}
