import { ADDRESS_PATTERN } from '@aitbc/protocol';
import { addressFault, addressFromLabel, isAddress } from '@aitbc/receipts';
import type { Kysely } from 'kysely';
import { fail } from '../errors.ts';
import type { WriteContext } from '../store/operation.ts';
import type { Row, Schema } from '../store/schema.ts';
import type { Transaction } from '../store/transaction.ts';
import { findAccountAt } from './queries.ts';

/** The account of everyone who calls without a key, in open mode. */
export const ANONYMOUS = 'anonymous';

/** Finds the account of an address, or makes it. */
export async function accountAt(
  address: string,
  name: string | null,
  context: Pick<WriteContext, 'tx' | 'now'>,
): Promise<Row<'account'>> {
  const account = (await accountsAt([{ address, name }], context)).get(address);
  if (!account) throw new Error('The account that was just made is missing');
  return account;
}

/** The accounts of addresses, made where they are new. */
export async function accountsAt(
  parties: readonly { address: string; name: string | null }[],
  { tx, now }: Pick<WriteContext, 'tx' | 'now'>,
): Promise<Map<string, Row<'account'>>> {
  const wanted = new Map(parties.map(party => [party.address, party]));
  const load = async () =>
    new Map((await tx.load('account', 'address', [...wanted.keys()])).map(row => [row.address, row]));
  const found = await load();
  const missing = [...wanted.values()].filter(({ address }) => !found.has(address));
  if (missing.length === 0) return found;
  await tx.insert(
    'account',
    missing.map(({ address, name }) => ({ address, name, created_at: now })),
  );
  return await load();
}

/**
 * Of a path. What has the form of an address and a wrong checksum is nobody's.
 *
 * @throws {RequestError}
 */
export function findAddress(text: string): void {
  if (isAddress(text)) return;
  if (!new RegExp(ADDRESS_PATTERN).test(text)) requireAddress(text, 'address');
  fail('ACCOUNT_NOT_FOUND', `There is no such address: ${addressFault(text)}`, { field: 'address' });
}

/** Throws RequestError, naming the field, for what is no address. */
export function requireAddress(text: string, field: string): void {
  const fault = addressFault(text);
  if (fault !== undefined) fail('VALIDATION_INVALID_FORMAT', `${field} is no address: ${fault}`, { field });
}

/** Addresses by account id. */
export async function loadAddresses(ids: readonly number[], tx: Transaction): Promise<Map<number, string>> {
  const rows = await tx.loadFixed('account', 'id', [...new Set(ids)], ['id', 'address']);
  return new Map(rows.map(row => [row.id, row.address]));
}

/** An address of this coordinator's for somebody who brought no key: the same at each start. */
export const localAddress = (coordinatorId: string, name: string) =>
  addressFromLabel(`${coordinatorId}/${name}`);

/** The account at an address that has taken part. */
export async function findAccount(db: Kysely<Schema>, address: string): Promise<Row<'account'> | undefined> {
  return await findAccountAt(db, address);
}

/** Its id. */
export async function accountIdAt(db: Kysely<Schema>, address: string): Promise<number | undefined> {
  return (await findAccountAt(db, address))?.id;
}
