import { type Kysely, type Migration, type MigrationInfo, Migrator, sql } from 'kysely';
import type { Schema } from '../schema.ts';
import { initial } from './001-initial.ts';
import { ledger } from './002-ledger.ts';
import { streams } from './004-streams.ts';
import { messages } from './006-messages.ts';
import { scheduling } from './007-scheduling.ts';
import { explorer } from './008-explorer.ts';
import { files } from './009-files.ts';
import { batches } from './010-batches.ts';
import { trust } from './011-trust.ts';
import { answers } from './012-answers.ts';
import { ownText } from './013-own-text.ts';
import { standing } from './014-standing.ts';
import { billing } from './017-billing.ts';
import { limits } from './018-limits.ts';
import { minerEpochs } from './019-miner-epochs.ts';
import type { ColumnTypes } from './column-types.ts';

/** In order; what was released is never changed, only followed by another. */
export const STEPS = {
  '001-initial': initial,
  '002-ledger': ledger,
  '004-streams': streams,
  '006-messages': messages,
  '007-scheduling': scheduling,
  '008-explorer': explorer,
  '009-files': files,
  '010-batches': batches,
  '011-trust': trust,
  '012-answers': answers,
  '013-own-text': ownText,
  '014-standing': standing,
  '017-billing': billing,
  '018-limits': limits,
  '019-miner-epochs': minerEpochs,
} as const satisfies Record<string, (db: Kysely<unknown>, types: ColumnTypes) => Promise<void>>;

const NAMES = Object.keys(STEPS);

/** The migration that brings a schema to where this program wants it. */
export const SCHEMA_VERSION = NAMES.at(-1) ?? '';

/**
 * Brings the schema up to date, one process at a time; a schema newer than this program is refused.
 *
 * @returns the names of the migrations that were missing
 */
export async function migrate(db: Kysely<Schema>, types: ColumnTypes): Promise<readonly string[]> {
  const migrator = await migratorFor(db, types);
  const known = await requireNotNewer(db, migrator);
  // Without the lock for which coordinators that start at once would wait in line.
  if (known.every(({ executedAt }) => executedAt)) return [];
  const { error, results = [] } = await migrator.migrateToLatest();
  if (error) throw new Error('The database schema could not be brought up to date', { cause: error });
  return results.map(result => result.migrationName);
}

/** Throws where the schema is not the one that this program works with. */
export async function requireCurrent(db: Kysely<Schema>, types: ColumnTypes): Promise<void> {
  const migrations = await requireNotNewer(db, await migratorFor(db, types));
  if (migrations.every(({ executedAt }) => executedAt === undefined))
    throw new Error('no coordinator has kept anything in it');
  const missing = migrations.find(({ executedAt }) => executedAt === undefined);
  if (missing) throw new Error(`its schema lacks ${missing.name}: \`aitbc migrate\` brings it up to date`);
}

async function migratorFor(db: Kysely<Schema>, types: ColumnTypes): Promise<Migrator> {
  const migrations = Object.entries(STEPS).map(([name, up]): [string, Migration] => [
    name,
    { up: (db: Kysely<unknown>) => up(db, types) },
  ]);
  const schema = await schemaOf(db, types);
  return new Migrator({
    db,
    provider: { getMigrations: async () => Object.fromEntries(migrations) },
    // Numbers are given out before the work is done: one may come behind a later one, and needs nothing of it.
    allowUnorderedMigrations: true,
    // Or it would take the tables of another program's migrations for its own.
    ...(schema !== undefined && { migrationTableSchema: schema }),
  });
}

async function schemaOf(db: Kysely<Schema>, { schema }: ColumnTypes): Promise<string | undefined> {
  if (!schema) return undefined;
  const { rows } = await sql<{ name: string | null }>`SELECT ${schema} AS name`.execute(db);
  return rows[0]?.name ?? undefined;
}

/** Answers the migrations of this program, with what was done of them. */
async function requireNotNewer(db: Kysely<Schema>, migrator: Migrator): Promise<readonly MigrationInfo[]> {
  const known = await migrator.getMigrations();
  // The table of what was done is there only then.
  if (!known.some(({ executedAt }) => executedAt)) return known;
  const { rows } = await sql.raw<{ name: string }>(SELECT_DONE).execute(db);
  const newer = newerThanThis(rows);
  if (newer) throw newer;
  return known;
}

/** What was done of migrations, by whichever version. */
export const SELECT_DONE = 'SELECT name FROM kysely_migration ORDER BY name';

/** What to say where a schema is newer than this program. */
export function newerThanThis(done: readonly { name: string }[]): Error | undefined {
  const newer = done.find(({ name }) => !NAMES.includes(name));
  return (
    newer &&
    new Error(
      `its schema is newer (${newer.name}) than this program, which knows ${SCHEMA_VERSION}: use the version that wrote it, or a later one`,
    )
  );
}
