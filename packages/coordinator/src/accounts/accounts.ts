import { addressFromLabel } from '@aitbc/receipts';
import type { Kysely } from 'kysely';
import type { WriteContext } from '../store/operation.ts';
import type { Row, Schema } from '../store/schema.ts';
import type { Transaction } from '../store/transaction.ts';
import { findAccountId } from './queries.ts';

/** The account of everyone who calls without a key, in open mode. */
export const ANONYMOUS = 'anonymous';

/** Finds the account of an address, or makes it. */
export async function accountAt(
  address: string,
  name: string | null,
  { tx, now }: Pick<WriteContext, 'tx' | 'now'>,
): Promise<Row<'account'>> {
  const [found] = await tx.load('account', 'address', [address]);
  if (found) return found;
  await tx.insert('account', [{ address, name, created_at: now }]);
  const [made] = await tx.load('account', 'address', [address]);
  if (!made) throw new Error('The account that was just made is missing');
  return made;
}

/** Addresses by account id. */
export async function loadAddresses(ids: readonly number[], tx: Transaction): Promise<Map<number, string>> {
  const rows = await tx.loadFixed('account', 'id', [...new Set(ids)], ['id', 'address']);
  return new Map(rows.map(row => [row.id, row.address]));
}

/** An address of this coordinator's for somebody who brought no key: the same at each start. */
export const localAddress = (coordinatorId: string, name: string) =>
  addressFromLabel(`${coordinatorId}/${name}`);

/** The id of the account at an address that has taken part. */
export async function accountIdAt(db: Kysely<Schema>, address: string): Promise<number | undefined> {
  return await findAccountId(db, address);
}
