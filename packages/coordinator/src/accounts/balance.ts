import type { Account } from '@aitbc/protocol';
import type { Store } from '../store/store.ts';
import type { Principal } from './keys.ts';
import { findAccount } from './queries.ts';

/** What the caller's account has. */
export async function readAccount(
  { read }: Store,
  { accountId, address }: Principal,
  billing: Account['billing'],
): Promise<Account> {
  const { balance = 0, reserved = 0 } = (await findAccount(read, accountId)) ?? {};
  return {
    address,
    balance: balance / 1e6,
    reserved: reserved / 1e6,
    available: (balance - reserved) / 1e6,
    billing,
  };
}
