import { ADDRESS_PATTERN } from '@aitbc/protocol';
import { addressFault, addressFromLabel, isAddress } from '@aitbc/receipts';
import type { Kysely } from 'kysely';
import { fail } from '../errors.ts';
import type { WriteContext } from '../store/operation.ts';
import type { DatabaseSchema, Row } from '../store/schema.ts';
import type { WriteTransaction } from '../store/transaction.ts';
import { findAccountAt } from './queries.ts';

/** The name of the account that all callers without a key share, in open mode. */
export const ANONYMOUS = 'anonymous';

/** Finds or creates the account of an address. */
export async function findOrCreateAccount(
  address: string,
  name: string | null,
  context: Pick<WriteContext, 'tx' | 'now'>,
): Promise<Row<'account'>> {
  const account = (await findOrCreateAccounts([{ address, name }], context)).get(address);
  if (!account) throw new Error('The account that was just created is missing');
  return account;
}

/** Finds or creates the accounts of addresses. */
export async function findOrCreateAccounts(
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
 * Checks an address in a URL's path. An address with a wrong checksum belongs to nobody, so the error is 404.
 *
 * @throws {RequestError}
 */
export function requireExistingAddress(text: string): void {
  if (isAddress(text)) return;
  if (!new RegExp(ADDRESS_PATTERN).test(text)) requireAddress(text, 'address');
  fail('ACCOUNT_NOT_FOUND', `This address does not exist: ${addressFault(text)}`, { field: 'address' });
}

/** Throws RequestError that names the field if the text is not an address. */
export function requireAddress(text: string, field: string): void {
  const fault = addressFault(text);
  if (fault !== undefined)
    fail('VALIDATION_INVALID_FORMAT', `${field} is not an address: ${fault}`, { field });
}

/** Returns addresses by account id. */
export async function loadAddresses(
  ids: readonly number[],
  tx: WriteTransaction,
): Promise<Map<number, string>> {
  const rows = await tx.load('account', 'id', [...new Set(ids)]);
  return new Map(rows.map(row => [row.id, row.address]));
}

/** Derives an address for an account whose owner gave none. The same name always gives the same address. */
export const localAddress = (coordinatorId: string, name: string) =>
  addressFromLabel(`${coordinatorId}/${name}`);

export async function findAccount(
  db: Kysely<DatabaseSchema>,
  address: string,
): Promise<Row<'account'> | undefined> {
  return await findAccountAt(db, address);
}

export async function findAccountId(
  db: Kysely<DatabaseSchema>,
  address: string,
): Promise<number | undefined> {
  return (await findAccountAt(db, address))?.id;
}
