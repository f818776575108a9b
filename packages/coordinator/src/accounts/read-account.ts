import type { Account } from '@aitbc/protocol';
import type { Store } from '../store/store.ts';
import { findAccountAt } from './queries.ts';

/** Returns the account at an address. An address that has never taken part has a balance of 0. */
export async function readAccount(
  { read }: Store,
  address: string,
  billing: Account['billing'],
): Promise<Account> {
  const { balance = 0, reserved = 0 } = (await findAccountAt(read, address)) ?? {};
  return {
    address,
    balance: balance / 1e6,
    reserved: reserved / 1e6,
    available: (balance - reserved) / 1e6,
    billing,
  };
}
