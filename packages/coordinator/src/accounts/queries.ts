import type { Kysely } from 'kysely';
import type { DatabaseSchema, Row } from '../store/schema.ts';

export type KeyWithAddress = Row<'api_key'> & { address: string };

const withAddress = (db: Kysely<DatabaseSchema>) =>
  db
    .selectFrom('api_key')
    .innerJoin('account', 'account.id', 'api_key.account_id')
    .selectAll('api_key')
    .select('account.address');

export async function findKey(db: Kysely<DatabaseSchema>, hash: string): Promise<KeyWithAddress | undefined> {
  const found = await withAddress(db).where('api_key.hash', '=', hash).executeTakeFirst();
  return found ?? (await withAddress(db).where('api_key.old_hash', '=', hash).executeTakeFirst());
}

export async function listKeys(db: Kysely<DatabaseSchema>, limit: number): Promise<KeyWithAddress[]> {
  return await withAddress(db).orderBy('api_key.id', 'desc').limit(limit).execute();
}

/** Lists keys, newest first: of an account, or of all if none is given. */
export async function listKeysOf(
  db: Kysely<DatabaseSchema>,
  { accountId, before, limit }: { accountId: number | undefined; before: string | undefined; limit: number },
): Promise<KeyWithAddress[]> {
  let query = withAddress(db);
  if (accountId !== undefined) query = query.where('api_key.account_id', '=', accountId);
  if (before !== undefined) query = query.where('api_key.id', '<', before);
  return await query.orderBy('api_key.id', 'desc').limit(limit).execute();
}

export async function findKeyById(
  db: Kysely<DatabaseSchema>,
  id: string,
): Promise<KeyWithAddress | undefined> {
  return await withAddress(db).where('api_key.id', '=', id).executeTakeFirst();
}

export async function findBudgets(
  db: Kysely<DatabaseSchema>,
  keyIds: readonly string[],
): Promise<Map<string, Row<'key_budget'>>> {
  if (keyIds.length === 0) return new Map();
  const rows = await db.selectFrom('key_budget').selectAll().where('id', 'in', keyIds).execute();
  return new Map(rows.map(row => [row.id, row]));
}

export async function findAccountAt(
  db: Kysely<DatabaseSchema>,
  address: string,
): Promise<Row<'account'> | undefined> {
  return await db.selectFrom('account').selectAll().where('address', '=', address).executeTakeFirst();
}

export async function findIdempotencyKey(
  db: Kysely<DatabaseSchema>,
  id: string,
): Promise<Row<'idempotency'> | undefined> {
  return await db.selectFrom('idempotency').selectAll().where('id', '=', id).executeTakeFirst();
}
