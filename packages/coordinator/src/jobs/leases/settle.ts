import type { Signature, TokenUsage } from '@aitbc/protocol';
import { loadAddresses } from '../../accounts/accounts.ts';
import { issueReceipts, type ReceiptOptions, type Settlement } from '../../receipts/issue-receipts.ts';
import type { WriteContext } from '../../store/operation.ts';
import type { Row } from '../../store/schema.ts';
import type { JobRow } from '../job.ts';
import { loadPurses } from '../submitting/prepaid-balance.ts';
import { type BilledTimePolicy, billedTimeOf } from './billed-time.ts';

/** A run that ends with something to pay for. */
export interface EndedAttempt {
  /** As it ran. */
  job: JobRow;
  miner: Pick<Row<'miner'>, 'id' | 'payee_id'>;
  receiptId: string;
  nonce: string;
  artifactHash: string;
  /** As the miner reported it, in ms. */
  reportedAt: number | undefined;
  /** No more than its texts allow. */
  usage: TokenUsage | undefined;
  attestation: Signature | undefined;
  /** It was cancelled, and is paid for what was delivered. */
  isCancelled?: boolean;
}

export type SettlementPolicy = ReceiptOptions & BilledTimePolicy;

/** Makes the receipts of runs that end. Answers their JSON in order. */
export async function settleAttempts(
  runs: readonly EndedAttempt[],
  policy: SettlementPolicy,
  context: WriteContext,
): Promise<string[]> {
  const parties = runs.flatMap(({ job, miner }) => [job.account_id, miner.payee_id]);
  const [addresses, purses] = await Promise.all([
    loadAddresses(parties, context.tx),
    loadPurses(
      runs.map(({ job }) => job),
      context.tx,
    ),
  ]);
  const party = (id: number) => ({ id, address: addresses.get(id) ?? missing(`account ${id}`) });
  const settlements = runs.map(({ job, miner, ...run }): Settlement => {
    const signedAt = run.attestation === undefined ? undefined : run.reportedAt;
    return {
      ...run,
      job,
      ...billedTimeOf(job, signedAt, policy, context),
      client: party(job.account_id),
      provider: party(miner.payee_id),
      minerId: miner.id,
      purse: { ceiling: () => purses.ceiling(job), charge: price => purses.charge(job, price) },
    };
  });
  return await issueReceipts(settlements, policy, context);
}

function missing(what: string): never {
  throw new Error(`${what} is missing in the store`);
}
