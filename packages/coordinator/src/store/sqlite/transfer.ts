import type { DatabaseSync } from 'node:sqlite';
import { createUnitOfWork } from '../cache/unit-of-work.ts';
import { SQLITE_TYPES } from '../migrations/column-types.ts';
import { requireCurrent } from '../migrations/migrate.ts';
import { TABLES, type Table } from '../schema.ts';
import type { Value } from '../transaction.ts';
import type { Source, Target } from '../transfer/database.ts';
import { openForWriting, openSnapshot } from './connection.ts';
import { kyselyOver } from './dialect.ts';
import { lockFolder } from './lock.ts';
import { migrateSqlite } from './migrate.ts';
import { readBounded } from './read-rows.ts';
import { createSqliteStatements } from './statements.ts';

const ROWS_AT_ONCE = 200;

/** Opens a folder's database for reading it in its present state. */
export async function openSqliteSource(data: string): Promise<Source> {
  const database = await openSnapshot(data);
  try {
    await requireCurrent(kyselyOver(database), SQLITE_TYPES);
    return createSource(database);
  } catch (error) {
    database.close();
    throw error;
  }
}

/** Opens a folder's database for changing all of it, created or brought up to date, and locks out all other writers. */
export async function openSqliteTarget(data: string): Promise<Target> {
  const lock = lockFolder(data);
  const database = await openLocked(data).catch(error => {
    lock.release();
    throw error;
  });
  const tx = createUnitOfWork(createSqliteStatements(database));
  async function flushWrites() {
    await tx.flushWrites();
    tx.forgetAll();
  }
  return {
    ...createSource(database),
    ...{ tx, flushWrites },
    // The lock on the folder proves it.
    isDatabaseUnused: async () => true,
    async commit() {
      await flushWrites();
      database.exec('COMMIT');
    },
    async close() {
      if (database.isTransaction) database.exec('ROLLBACK');
      database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
      database.close();
      lock.release();
    },
  };
}

async function openLocked(data: string): Promise<DatabaseSync> {
  await migrateSqlite(data);
  const database = openForWriting(data);
  try {
    database.exec('BEGIN IMMEDIATE');
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

function createSource(database: DatabaseSync): Source {
  return {
    async columns(table) {
      const columns = database.prepare(`SELECT * FROM ${table}`).columns();
      return columns.map(({ name }) => name);
    },
    async count(table) {
      return Number(database.prepare(`SELECT count(*) AS rows FROM ${table}`).get()?.rows);
    },
    async *read(table: Table, columns: readonly string[]) {
      const statement = database.prepare(`SELECT ${columns} FROM ${table} ORDER BY ${TABLES[table].key}`);
      let rows: Value[][] = [];
      for (const row of readBounded(statement, [])) {
        rows.push(columns.map(column => row[column] ?? null));
        if (rows.length < ROWS_AT_ONCE) continue;
        yield rows;
        rows = [];
      }
      if (rows.length > 0) yield rows;
    },
    async close() {
      database.close();
    },
  };
}
