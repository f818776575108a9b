import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { expect, onTestFinished, test } from 'vitest';
import { SQLITE_TYPES } from '../../src/store/migrations/column-types.ts';
import { MIGRATIONS, migrateSchema } from '../../src/store/migrations/migrate.ts';
import { openForWriting } from '../../src/store/sqlite/connection.ts';
import { kyselyOver } from '../../src/store/sqlite/dialect.ts';
import { migrateSqlite } from '../../src/store/sqlite/migrate.ts';

/** Passes statements on to a database, whose process is gone at the statement with this number. */
function goneAt(database: DatabaseSync, last: number): DatabaseSync {
  let count = 0;
  return new Proxy(database, {
    get(_, name) {
      const member = Reflect.get(database, name);
      if (name !== 'prepare') return typeof member === 'function' ? member.bind(database) : member;
      return (statement: string) => {
        if (++count === last) database.close();
        return database.prepare(statement);
      };
    },
  });
}

test.each([5, 40, 80, 120, 160])(
  'a coordinator that was gone at the %ith statement of its first start starts the next time',
  async statement => {
    const data = await mkdtemp(join(tmpdir(), 'aitbc-killed-migration-'));
    onTestFinished(() => rm(data, { recursive: true }));
    const database = goneAt(openForWriting(data), statement);
    await expect(migrateSchema(kyselyOver(database), SQLITE_TYPES)).rejects.toThrow();
    expect(await migrateSqlite(data)).toEqual(Object.keys(MIGRATIONS));
  },
);
