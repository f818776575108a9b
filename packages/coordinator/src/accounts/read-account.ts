import type { Account } from '@aitbc/protocol';
import type { Row } from '../store/schema.ts';
import type { Store } from '../store/store.ts';
import { earningsOf } from './earnings.ts';
import { findAccountAt } from './queries.ts';

/** Returns the account at an address. An address that has never taken part has a balance of 0. */
export async function readAccount(
  { read }: Store,
  address: string,
  billing: Account['billing'],
): Promise<Account> {
  const account: Partial<Row<'account'>> = (await findAccountAt(read, address)) ?? {};
  const { balance = 0, reserved = 0 } = account;
  return {
    address,
    balance: balance / 1e6,
    reserved: reserved / 1e6,
    available: (balance - reserved) / 1e6,
    billing,
    earnings: earningsOf(account),
  };
}
