import type { TileId, TileReader } from '@aitbc/tlog';
import type { Kysely } from 'kysely';
import { BACKUP_OF, type DatabaseSchema, type Row } from '../store/schema.ts';
import { EMPTY_TREE } from './entries.ts';
import { tileKey, tilesOf } from './tiles.ts';

type Db = Kysely<DatabaseSchema>;

/** Name of the setting that holds the log's verifier key. */
export const LEDGER_VKEY = 'ledger_vkey';

/** Name of the setting that holds the key of the ledger that the store was restored from. */
export const PREVIOUS_VKEY = 'ledger_previous_vkey';

export const readVkey = (db: Db) => readSetting(db, LEDGER_VKEY);

export const readPreviousVkey = (db: Db) => readSetting(db, PREVIOUS_VKEY);

/** When the store was copied, if it is a backup that was not restored. */
export const readBackupMark = (db: Db) => readSetting(db, BACKUP_OF);

async function readSetting(db: Db, name: string): Promise<string | undefined> {
  const setting = await db.selectFrom('setting').select('value').where('name', '=', name).executeTakeFirst();
  return setting?.value;
}

export async function readTree(db: Db): Promise<Row<'tree'>> {
  const tree = await db.selectFrom('tree').selectAll().where('id', '=', EMPTY_TREE.id).executeTakeFirst();
  return tree ?? EMPTY_TREE;
}

export function tileReader(db: Db): TileReader {
  return tilesOf(keys => db.selectFrom('tile').selectAll().where('id', 'in', keys).execute());
}

export async function readTile(db: Db, id: TileId): Promise<string | undefined> {
  const row = await db.selectFrom('tile').select('hashes').where('id', '=', tileKey(id)).executeTakeFirst();
  return row?.hashes;
}

export type Leaf = Pick<Row<'entry'>, 'leaf_index' | 'type' | 'hash' | 'bytes' | 'amount' | 'created_at'>;

/** Returns up to `limit` entries from an index on, in order, without their bodies. */
export async function readLeaves(db: Db, from: number, limit: number): Promise<Leaf[]> {
  return await db
    .selectFrom('entry')
    .select(['leaf_index', 'type', 'hash', 'bytes', 'amount', 'created_at'])
    .where('leaf_index', '>=', from)
    .orderBy('leaf_index')
    .limit(limit)
    .execute();
}

/** Returns the bodies of up to `limit` entries from an index on, in order. */
export async function readBodies(db: Db, from: number, limit: number): Promise<string[]> {
  const rows = await db
    .selectFrom('entry')
    .select('body')
    .where('leaf_index', '>=', from)
    .orderBy('leaf_index')
    .limit(limit)
    .execute();
  return rows.map(({ body }) => body);
}

export async function readLatestCheckpoint(db: Db): Promise<Row<'checkpoint'> | undefined> {
  return await db.selectFrom('checkpoint').selectAll().orderBy('height', 'desc').limit(1).executeTakeFirst();
}
