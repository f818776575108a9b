import type { PayoutStatus } from '@aitbc/protocol';
import type { Kysely } from 'kysely';
import type { DatabaseSchema, Row } from '../store/schema.ts';

type Db = Kysely<DatabaseSchema>;

export type PayoutRow = Row<'payout'> & { address: string };

const withAddress = (db: Db) =>
  db
    .selectFrom('payout')
    .innerJoin('account', 'account.id', 'payout.account_id')
    .selectAll('payout')
    .select('account.address');

export async function findPayout(db: Db, id: string): Promise<PayoutRow | undefined> {
  return await withAddress(db).where('payout.id', '=', id).executeTakeFirst();
}

/** Lists payouts, newest first. Each filter, and both together, have an index. */
export async function listPayouts(
  db: Db,
  {
    accountId,
    status,
    before,
    limit,
  }: {
    accountId: number | undefined;
    status: PayoutStatus | undefined;
    before: string | undefined;
    limit: number;
  },
): Promise<PayoutRow[]> {
  let query = withAddress(db);
  if (accountId !== undefined) query = query.where('payout.account_id', '=', accountId);
  if (status !== undefined) query = query.where('payout.status', '=', status);
  if (before !== undefined) query = query.where('payout.id', '<', before);
  return await query.orderBy('payout.id', 'desc').limit(limit).execute();
}

/** Returns entries of the ledger by the ids of their statements. */
export async function findEntries(
  db: Db,
  ids: readonly string[],
): Promise<Map<string, Pick<Row<'entry'>, 'id' | 'type' | 'leaf_index' | 'body'>>> {
  if (ids.length === 0) return new Map();
  const rows = await db
    .selectFrom('entry')
    .select(['id', 'type', 'leaf_index', 'body'])
    .where('id', 'in', ids)
    .execute();
  return new Map(rows.map(row => [row.id, row]));
}

/** Whether the account's owner has registered a miner with this public key, with an API key of the account. */
export async function hasMinerKey(db: Db, accountId: number, publicKey: string): Promise<boolean> {
  const miner = await db
    .selectFrom('miner')
    .select('id')
    .where('owner_id', '=', accountId)
    .where('payee_id', '=', accountId)
    .where('public_key', '=', publicKey)
    .limit(1)
    .executeTakeFirst();
  return miner !== undefined;
}
