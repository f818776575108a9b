import { type Kysely, type Migration, type MigrationInfo, Migrator, sql } from 'kysely';
import type { DatabaseSchema } from '../schema.ts';
import { createTables } from './001-initial.ts';
import { addLedger } from './002-ledger.ts';
import { addStreams } from './004-streams.ts';
import { addMessages } from './006-messages.ts';
import { addScheduling } from './007-scheduling.ts';
import { addExplorer } from './008-explorer.ts';
import { addFiles } from './009-files.ts';
import { addBatches } from './010-batches.ts';
import { addTrust } from './011-trust.ts';
import { addAnswers } from './012-answers.ts';
import { addOwnText } from './013-own-text.ts';
import { addStanding } from './014-standing.ts';
import { addBilling } from './017-billing.ts';
import { addLimits } from './018-limits.ts';
import { addMinerEpochs } from './019-miner-epochs.ts';
import { renameColumns } from './020-clearer-names.ts';
import { addKeyRestrictions } from './021-api-keys.ts';
import { addOverview } from './022-overview.ts';
import { addHashSegments } from './023-hash-segments.ts';
import { addWebhooks } from './024-webhooks.ts';
import { addUsage } from './025-usage.ts';
import { addInvitations } from './026-invitations.ts';
import { simplifyOwnerIndexes } from './027-owner-indexes.ts';
import { addChosenMiners } from './028-chosen-miners.ts';
import { addHistory } from './029-history.ts';
import { addTraces } from './030-traces.ts';
import { addPayouts } from './031-payouts.ts';
import { addFallbacks } from './032-fallbacks.ts';
import { addNotices } from './033-notices.ts';
import { indexDisabledWebhooks } from './034-disabled-webhooks.ts';
import { addPassports } from './035-passports.ts';
import { addVerifications } from './036-verifications.ts';
import { addBatchTraces } from './037-batch-traces.ts';
import { addSuspensionReasons } from './038-suspensions.ts';
import type { ColumnTypes } from './column-types.ts';

/** All migrations, in order. A released migration never changes; corrections are new migrations. */
export const MIGRATIONS = {
  '001-initial': createTables,
  '002-ledger': addLedger,
  '004-streams': addStreams,
  '006-messages': addMessages,
  '007-scheduling': addScheduling,
  '008-explorer': addExplorer,
  '009-files': addFiles,
  '010-batches': addBatches,
  '011-trust': addTrust,
  '012-answers': addAnswers,
  '013-own-text': addOwnText,
  '014-standing': addStanding,
  '017-billing': addBilling,
  '018-limits': addLimits,
  '019-miner-epochs': addMinerEpochs,
  '020-clearer-names': renameColumns,
  '021-api-keys': addKeyRestrictions,
  '022-overview': addOverview,
  '023-hash-segments': addHashSegments,
  '024-webhooks': addWebhooks,
  '025-usage': addUsage,
  '026-invitations': addInvitations,
  '027-owner-indexes': simplifyOwnerIndexes,
  '028-chosen-miners': addChosenMiners,
  '029-history': addHistory,
  '030-traces': addTraces,
  '031-payouts': addPayouts,
  '032-fallbacks': addFallbacks,
  '033-notices': addNotices,
  '034-disabled-webhooks': indexDisabledWebhooks,
  '035-passports': addPassports,
  '036-verifications': addVerifications,
  '037-batch-traces': addBatchTraces,
  '038-suspensions': addSuspensionReasons,
} as const satisfies Record<string, (db: Kysely<unknown>, types: ColumnTypes) => Promise<void>>;

const NAMES = Object.keys(MIGRATIONS);

/** Name of the last migration. It names the schema that this program needs. */
export const SCHEMA_VERSION = NAMES.at(-1) ?? '';

/**
 * Brings the schema up to date. Only one process at a time applies migrations.
 *
 * @returns the names of the migrations that it applied
 * @throws where the schema is newer than this program
 */
export async function migrateSchema(
  db: Kysely<DatabaseSchema>,
  types: ColumnTypes,
): Promise<readonly string[]> {
  const migrator = await migratorFor(db, types);
  const known = await requireNotNewer(db, migrator);
  // An up-to-date schema needs no lock, for which coordinators that start together would have to queue.
  if (known.every(({ executedAt }) => executedAt)) return [];
  const { error, results = [] } = await migrator.migrateToLatest();
  if (error) throw new Error('The database schema could not be brought up to date', { cause: error });
  return results.map(result => result.migrationName);
}

/** Throws where the schema is older or newer than this program needs. */
export async function requireCurrent(db: Kysely<DatabaseSchema>, types: ColumnTypes): Promise<void> {
  const migrations = await requireNotNewer(db, await migratorFor(db, types));
  if (migrations.every(({ executedAt }) => executedAt === undefined))
    throw new Error('no coordinator has kept anything in it');
  const missing = migrations.find(({ executedAt }) => executedAt === undefined);
  if (missing) throw new Error(`its schema lacks ${missing.name}: \`aitbc migrate\` brings it up to date`);
}

async function migratorFor(db: Kysely<DatabaseSchema>, types: ColumnTypes): Promise<Migrator> {
  const migrations = Object.entries(MIGRATIONS).map(([name, up]): [string, Migration] => [
    name,
    { up: (db: Kysely<unknown>) => up(db, types) },
  ]);
  const schema = await schemaOf(db, types);
  return new Migrator({
    db,
    provider: { getMigrations: async () => Object.fromEntries(migrations) },
    // Numbers are assigned before the work is done, so a migration may be released after one with a higher number.
    allowUnorderedMigrations: true,
    // Without the schema's name, Kysely would use another program's migration tables.
    ...(schema !== undefined && { migrationTableSchema: schema }),
  });
}

async function schemaOf(db: Kysely<DatabaseSchema>, { schema }: ColumnTypes): Promise<string | undefined> {
  if (!schema) return undefined;
  const { rows } = await sql<{ name: string | null }>`SELECT ${schema} AS name`.execute(db);
  return rows[0]?.name ?? undefined;
}

/** Returns this program's migrations and when each was applied. Throws where the schema has others. */
async function requireNotNewer(
  db: Kysely<DatabaseSchema>,
  migrator: Migrator,
): Promise<readonly MigrationInfo[]> {
  const known = await migrator.getMigrations();
  // The table of applied migrations may not exist before the first one.
  if (!known.some(({ executedAt }) => executedAt)) return known;
  const { rows } = await sql.raw<{ name: string }>(SELECT_DONE).execute(db);
  const newer = newerThanThis(rows);
  if (newer) throw newer;
  return known;
}

/** Reads the names of all applied migrations, also those of other versions. */
export const SELECT_DONE = 'SELECT name FROM kysely_migration ORDER BY name';

/** Returns the error to report where a schema is newer than this program, else undefined. */
export function newerThanThis(done: readonly { name: string }[]): Error | undefined {
  const newer = done.find(({ name }) => !NAMES.includes(name));
  return (
    newer &&
    new Error(
      `its schema is newer (${newer.name}) than this program, which knows ${SCHEMA_VERSION}: use the version that wrote it, or a later one`,
    )
  );
}
