import type { Kysely } from 'kysely';
import { lookup } from '../store/lookup.ts';
import type { DatabaseSchema, Row } from '../store/schema.ts';
import type { Store } from '../store/store.ts';
import { TRACK_RECORD_COLUMNS, type TrackRecord } from './reputation.ts';

type Db = Kysely<DatabaseSchema>;

export type MinerWithAddress = Row<'miner'> & { address: string } & TrackRecord;

const withAddress = (db: Db) =>
  db
    .selectFrom('miner')
    .innerJoin('account', 'account.id', 'miner.payee_id')
    .innerJoin('standing', 'standing.id', 'miner.operator_id')
    .selectAll('miner')
    .select('account.address')
    .select(TRACK_RECORD_COLUMNS.map(column => `standing.${column}` as const));

const MINER = lookup<MinerWithAddress>({
  select: `SELECT miner.*, account.address, ${TRACK_RECORD_COLUMNS.map(column => `standing.${column}`).join(', ')}
    FROM miner JOIN account ON account.id = miner.payee_id JOIN standing ON standing.id = miner.operator_id`,
  column: 'miner.id',
  key: 'id',
});

/** Finds a miner that was not removed. Each claim that waits asks for it. */
export async function findMiner(
  store: Pick<Store, 'lookUp'>,
  id: string,
): Promise<MinerWithAddress | undefined> {
  const [miner] = await store.lookUp(MINER, id);
  return miner?.status === 'removed' ? undefined : miner;
}

const LISTED = ['online', 'draining', 'offline'] as const;

interface MinerFilter {
  status: (typeof LISTED)[number] | undefined;
  /** Only the miners of this account. */
  ownerId?: number | undefined;
  /** Only these miners. */
  ids?: readonly string[] | undefined;
  /** Only miners with a greater id. */
  after: string | undefined;
  limit: number;
}

/** Lists miners by id. The index is by status, so a list of all statuses merges one page of each, in one statement. */
export async function listMiners(db: Db, filter: MinerFilter): Promise<MinerWithAddress[]> {
  const [first = 'online', ...others] = filter.status ? [filter.status] : LISTED;
  const pages = others.reduce(
    (query, status) => query.unionAll(pageOfStatus(db, filter, status)),
    pageOfStatus(db, filter, first),
  );
  return await db.selectFrom(pages.as('miner')).selectAll().orderBy('id').limit(filter.limit).execute();
}

function pageOfStatus(db: Db, { ownerId, ids, after, limit }: MinerFilter, status: (typeof LISTED)[number]) {
  let query = withAddress(db).where('miner.status', '=', status);
  if (ownerId !== undefined) query = query.where('miner.owner_id', '=', ownerId);
  if (ids !== undefined) query = query.where('miner.id', 'in', ids);
  if (after !== undefined) query = query.where('miner.id', '>', after);
  return db.selectFrom(query.orderBy('miner.id').limit(limit).as('page')).selectAll();
}

/** Returns the measured speeds of miners with their models, by miner id. */
export async function findSpeeds(
  db: Db,
  minerIds: readonly string[],
): Promise<ReadonlyMap<string, Row<'model_speed'>[]>> {
  if (minerIds.length === 0) return new Map();
  const rows = await db.selectFrom('model_speed').selectAll().where('miner_id', 'in', minerIds).execute();
  return Map.groupBy(rows, row => row.miner_id);
}

/** Returns the statements of passports as JSON, by digest. */
export async function findPassports(db: Db, digests: Iterable<string>): Promise<ReadonlyMap<string, string>> {
  const ids = [...new Set(digests)];
  if (ids.length === 0) return new Map();
  const rows = await db.selectFrom('passport').select(['id', 'body']).where('id', 'in', ids).execute();
  return new Map(rows.map(({ id, body }) => [id, body]));
}

export type ModelSpeed = Pick<Row<'model_speed'>, 'model' | 'first_token_ms' | 'tokens_per_second'>;

/** Returns the average speed of each model over the miners that take jobs now. */
export async function averageSpeeds(db: Db): Promise<ModelSpeed[]> {
  return await db
    .selectFrom('miner')
    .innerJoin('model_speed', 'model_speed.miner_id', 'miner.id')
    .select(({ fn }) => [
      'model_speed.model',
      fn.avg<number | null>('first_token_ms').as('first_token_ms'),
      fn.avg<number | null>('tokens_per_second').as('tokens_per_second'),
    ])
    .where('miner.status', '=', 'online')
    .groupBy('model_speed.model')
    .execute();
}

export async function listPresent(db: Db): Promise<Row<'miner'>[]> {
  return await db.selectFrom('miner').selectAll().where('status', 'in', ['online', 'draining']).execute();
}

const MAX_AWAY = 10_000;

export type AwayMiner = Pick<
  Row<'miner'>,
  'id' | 'status' | 'capabilities' | 'last_seen_at' | 'suspended_at'
>;

/** Lists the models of miners that were seen since then and take no jobs now. */
export async function listAway(db: Db, since: number): Promise<AwayMiner[]> {
  return await db
    .selectFrom('miner')
    .select(['id', 'status', 'capabilities', 'last_seen_at', 'suspended_at'])
    .where('status', 'in', ['draining', 'offline', 'removed'])
    .where('last_seen_at', '>=', since)
    .limit(MAX_AWAY)
    .execute();
}

const MAX_WORKLOAD_ROWS = 200;

export type WorkloadRow = Pick<
  Row<'queue'>,
  | 'model'
  | 'region'
  | 'min_vram_gb'
  | 'needs'
  | 'min_context'
  | 'miners'
  | 'passport_demand'
  | 'restriction'
  | 'pending'
>;

/** Counts pending jobs by their requirements. */
export async function listWorkload(db: Db): Promise<WorkloadRow[]> {
  return await db
    .selectFrom('queue')
    .select(['model', 'region', 'min_vram_gb', 'needs', 'min_context', 'miners', 'passport_demand'])
    .select(['restriction', 'pending'])
    .where('pending', '>', 0)
    .orderBy('model')
    .orderBy('id')
    .limit(MAX_WORKLOAD_ROWS)
    .execute();
}
