import type { Kysely } from 'kysely';
import type { Row, Schema } from '../store/schema.ts';

type Db = Kysely<Schema>;

export type MinerWithAddress = Row<'miner'> & { address: string };

const withAddress = (db: Db) =>
  db
    .selectFrom('miner')
    .innerJoin('account', 'account.id', 'miner.payee_id')
    .selectAll('miner')
    .select('account.address');

export async function findMiner(db: Db, id: string): Promise<MinerWithAddress | undefined> {
  return await withAddress(db)
    .where('miner.id', '=', id)
    .where('miner.status', '!=', 'removed')
    .executeTakeFirst();
}

const LISTED = ['online', 'draining', 'offline'] as const;

/** By id. The index is by status, so a list over all takes a page of each and merges. */
export async function listMiners(
  db: Db,
  filter: { status: (typeof LISTED)[number] | undefined; after: string | undefined; limit: number },
): Promise<MinerWithAddress[]> {
  const statuses = filter.status ? [filter.status] : LISTED;
  const pages = await Promise.all(
    statuses.map(status => {
      let query = withAddress(db).where('miner.status', '=', status);
      if (filter.after !== undefined) query = query.where('miner.id', '>', filter.after);
      return query.orderBy('miner.id').limit(filter.limit).execute();
    }),
  );
  return pages
    .flat()
    .sort((a, b) => (a.id < b.id ? -1 : 1))
    .slice(0, filter.limit);
}

/** All that take jobs now, for the directory. */
export async function listOnline(db: Db): Promise<Row<'miner'>[]> {
  return await db.selectFrom('miner').selectAll().where('status', '=', 'online').execute();
}
