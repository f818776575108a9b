import type { Kysely } from 'kysely';
import type { Row, Schema } from '../store/schema.ts';

export type KeyWithAddress = Row<'api_key'> & { address: string };

const withAddress = (db: Kysely<Schema>) =>
  db
    .selectFrom('api_key')
    .innerJoin('account', 'account.id', 'api_key.account_id')
    .selectAll('api_key')
    .select('account.address');

export async function findKey(db: Kysely<Schema>, hash: string): Promise<KeyWithAddress | undefined> {
  return await withAddress(db).where('api_key.hash', '=', hash).executeTakeFirst();
}

export async function listKeys(db: Kysely<Schema>, limit: number): Promise<KeyWithAddress[]> {
  return await withAddress(db).orderBy('api_key.id', 'desc').limit(limit).execute();
}

export async function findAccountAt(
  db: Kysely<Schema>,
  address: string,
): Promise<Row<'account'> | undefined> {
  return await db.selectFrom('account').selectAll().where('address', '=', address).executeTakeFirst();
}

export async function findIdempotencyKey(
  db: Kysely<Schema>,
  id: string,
): Promise<Row<'idempotency'> | undefined> {
  return await db.selectFrom('idempotency').selectAll().where('id', '=', id).executeTakeFirst();
}
