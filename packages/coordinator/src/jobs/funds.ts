import type { SubmitJob } from '@aitbc/protocol';
import { highestCharge, type Pricing, priceLimit } from '../receipts/pricing.ts';
import { type Outcome, refused } from '../store/operation.ts';
import type { Transaction } from '../store/transaction.ts';

/** What prices follow from, and whether they must be covered before a job is taken. */
export interface BillingTerms {
  prepaid: boolean;
  pricingOf(model: string): Pricing;
  /** One attempt lasts at most so long, in ms. */
  timeoutMs: number;
}

/** A job before it is taken. */
export interface Priced {
  request: Pick<SubmitJob, 'model' | 'constraints' | 'replication'>;
  /** Tokens that it can be charged for. */
  tokenLimit: number;
}

/**
 * The most that a job, or a run of it, can cost, in micro-credits: one attempt as long as it may take, all tokens that it can be charged
 * for, or the price limit.
 */
export function worstCase(
  { request: { model, constraints }, tokenLimit }: Priced,
  { pricingOf, timeoutMs }: BillingTerms,
): number {
  const max_price = priceLimit(constraints?.max_price);
  return highestCharge(timeoutMs, { max_price, token_limit: tokenLimit }, pricingOf(model));
}

const runsOf = ({ request: { replication = 1 } }: Priced) => replication;

/** What accounts can still spend, while a batch of submissions is decided one after the other. */
export interface Funds {
  /** What is set aside for a job, or for each of its runs. */
  reserveFor(job: Priced): number;
  /** Takes what the jobs may cost from what the account has left, or says why it can't. */
  take(accountId: number, jobs: readonly Priced[]): Outcome<never> | undefined;
}

/** Where clients pay later, nothing is read and nothing is set aside. */
const UNLIMITED: Funds = { reserveFor: () => 0, take: () => undefined };

export async function loadFunds(
  accountIds: readonly number[],
  terms: BillingTerms,
  tx: Transaction,
): Promise<Funds> {
  if (!terms.prepaid) return UNLIMITED;
  const accounts = await tx.load('account', 'id', [...new Set(accountIds)]);
  const available = new Map(accounts.map(({ id, balance, reserved }) => [id, balance - reserved]));
  return {
    reserveFor: job => worstCase(job, terms),
    take(accountId, jobs) {
      const left = available.get(accountId) ?? 0;
      const needed = jobs.reduce((sum, job) => sum + runsOf(job) * worstCase(job, terms), 0);
      if (needed > left) return notCovered(needed, left, jobs.length);
      available.set(accountId, left - needed);
      return undefined;
    },
  };
}

function notCovered(needed: number, left: number, jobs: number): Outcome<never> {
  const what = jobs === 1 ? 'The job' : `These ${jobs} jobs`;
  return refused(
    'PAYMENT_INSUFFICIENT_BALANCE',
    `${what} may cost up to ${needed / 1e6} credits, and ${left / 1e6} are available: a lower constraints.max_price reserves less`,
  );
}
