import type { AddressDetail } from '@aitbc/protocol';
import { findAccount, requireExistingAddress } from '../accounts/accounts.ts';
import { earningsOf } from '../accounts/earnings.ts';
import type { Row } from '../store/schema.ts';
import type { Store } from '../store/store.ts';

/**
 * Returns what the ledger says about an address, with zeros if the ledger does not name it. Throws RequestError if the
 * text is not an address.
 */
export async function readAddress({ read }: Store, address: string): Promise<AddressDetail> {
  requireExistingAddress(address);
  const found: Partial<Row<'account'>> = (await findAccount(read, address)) ?? {};
  const { balance = 0, jobs = 0, jobs_run = 0, receipts = 0, transactions = 0 } = found;
  const { earned, paid, confirmed, disputed } = earningsOf(found);
  const counts = { jobs, jobs_run, receipts, transactions };
  return { address, balance: balance / 1e6, ...counts, earned, paid, confirmed, disputed };
}
