import type { Insertable, Selectable } from 'kysely';
import { accountTables } from './tables/account-tables.ts';
import {
  defineKeptTable,
  defineTable,
  integerColumn,
  type KyselyTable,
  type TableOf,
  textColumn,
} from './tables/define-table.ts';
import { fileTables } from './tables/file-tables.ts';
import { jobTables } from './tables/job-tables.ts';
import { ledgerTables } from './tables/ledger-tables.ts';
import { minerTables } from './tables/miner-tables.ts';
import { verificationTables } from './tables/verification-tables.ts';
import { webhookTables } from './tables/webhook-tables.ts';

/** Every table: its columns, its primary key, and which of its rows stay in memory. `indexes.ts` has its indexes in memory. */
export const TABLES = {
  ...accountTables,
  ...jobTables,
  ...minerTables,
  ...ledgerTables,
  ...fileTables,
  ...webhookTables,
  ...verificationTables,
  counter: defineKeptTable('name', { name: textColumn(), value: integerColumn() }),
  setting: defineTable('name', { name: textColumn(), value: textColumn() }),
};

export type Table = keyof typeof TABLES;

export type DatabaseSchema = {
  [T in Table]: (typeof TABLES)[T] extends TableOf<infer C> ? KyselyTable<C> : never;
};

export type Row<T extends Table> = Selectable<DatabaseSchema[T]>;
export type NewRow<T extends Table> = Insertable<DatabaseSchema[T]>;

export const TABLE_NAMES = Object.keys(TABLES) as Table[];

/** Name of the setting that marks a copy as a backup. Its value is the time of the copy (ISO 8601). */
export const BACKUP_OF = 'backup_made_at';

/** Name of the setting with the coordinator's name in receipts. */
export const COORDINATOR_ID = 'coordinator_id';
