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
  return await withAddress(db).where('api_key.hash', '=', hash).executeTakeFirst();
}

export async function listKeys(db: Kysely<DatabaseSchema>, limit: number): Promise<KeyWithAddress[]> {
  return await withAddress(db).orderBy('api_key.id', 'desc').limit(limit).execute();
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
