import type { SubmitJob } from '@aitbc/protocol';
import { highestCharge, type Pricing, priceLimit } from '../../receipts/pricing.ts';
import { usualTokens } from '../../receipts/token-limit.ts';
import { failed, type Outcome } from '../../store/operation.ts';
import type { Transaction } from '../../store/transaction.ts';

/*
 * Where clients pay ahead, a job is taken when what it will usually cost is covered, and that is set aside. Of a model
 * that nothing is known of, the worst case is set aside while that is covered, else what is usual of others. A run that costs
 * more is paid from what the account still has when it ends, and no further: a balance never falls below 0. So a
 * client with few credits may be charged less than a run was worth, which is bounded by how far runs depart from the
 * usual, and the miner's loss; the worst case would keep out clients who could pay for hundreds of usual jobs.
 */

/** What prices follow from, and whether they must be covered before a job is taken. */
export interface BillingPolicy {
  prepaid: boolean;
  pricingOf(model: string): Pricing;
  /** One attempt lasts at most so long, in ms. */
  timeoutMs: number;
}

/** A job before it is taken. */
export interface Priced {
  request: Pick<SubmitJob, 'model' | 'constraints' | 'replication' | 'params'>;
  /** Tokens that it can be charged for. */
  tokenLimit: number;
  /** Length of what is asked, in UTF-8. */
  promptBytes: number;
}

/** A run is expected to take at most so many times the average of its model. */
const USUAL_SPREAD = 4;

/** A run is not expected to be shorter, and one of a model that nothing is known of to take so long. */
const SHORTEST_USUAL_MS = 60_000;

/**
 * What a job, or a run of it, is expected to cost at most, in micro-credits. Time: four times the average run of its
 * model, at least a minute, at most an attempt's time limit. Tokens: those that its prompt may have, and of the answer
 * `max_tokens`, or a usual answer's. Never more than its price limit.
 *
 * @param averageRunMs of its model and priority; 0 where nothing is known
 */
export function usualCost(job: Priced, averageRunMs: number, policy: BillingPolicy): number {
  const usualMs = Math.max(SHORTEST_USUAL_MS, USUAL_SPREAD * averageRunMs);
  const tokens = usualTokens(job.promptBytes, job.request.params?.max_tokens);
  return costOf(job, Math.min(usualMs, policy.timeoutMs), Math.min(tokens, job.tokenLimit), policy);
}

/** The most that it can cost: one attempt as long as it may take, all tokens that it can be charged for. */
const worstCost = (job: Priced, policy: BillingPolicy) =>
  costOf(job, policy.timeoutMs, job.tokenLimit, policy);

function costOf(
  { request: { model, constraints } }: Priced,
  ms: number,
  token_limit: number,
  { pricingOf }: BillingPolicy,
): number {
  const max_price = priceLimit(constraints?.max_price);
  return highestCharge(ms, { max_price, token_limit }, pricingOf(model));
}

const runsOf = ({ request: { replication = 1 } }: Priced) => replication;

/** What accounts can still spend, while a batch of submissions is decided one after the other. */
export interface Funds {
  /** What was set aside for a job that was taken, or for each of its runs. */
  reservedFor(job: Priced): number;
  /** Sets aside what the jobs are expected to cost of what the account has left, or says why it can't. */
  take<Job extends Priced>(
    accountId: number,
    jobs: readonly Job[],
    averageRunMs: (job: Job) => number,
  ): Outcome<never> | undefined;
}

/** Where clients pay later, nothing is read and nothing is set aside. */
const UNLIMITED: Funds = { reservedFor: () => 0, take: () => undefined };

export async function loadFunds(
  accountIds: readonly number[],
  policy: BillingPolicy,
  tx: Transaction,
): Promise<Funds> {
  if (!policy.prepaid) return UNLIMITED;
  const available = await loadAvailable(accountIds, tx);
  const reserved = new Map<Priced, number>();
  return {
    reservedFor: job => reserved.get(job) ?? 0,
    take(accountId, jobs, averageRunMs) {
      const left = available.get(accountId) ?? 0;
      const usual = jobs.map(job => usualCost(job, averageRunMs(job), policy));
      const cautious = jobs.map((job, index) =>
        averageRunMs(job) === 0 ? worstCost(job, policy) : (usual[index] ?? 0),
      );
      const sumOf = (costs: readonly number[]) =>
        jobs.reduce((sum, job, index) => sum + runsOf(job) * (costs[index] ?? 0), 0);
      const costs = sumOf(cautious) <= left ? cautious : usual;
      const needed = sumOf(costs);
      if (needed > left) return notCovered(needed, left, jobs.length);
      for (const [index, job] of jobs.entries()) reserved.set(job, costs[index] ?? 0);
      available.set(accountId, left - needed);
      return undefined;
    },
  };
}

/** What accounts have and have not set aside, in micro-credits. */
async function loadAvailable(accountIds: readonly number[], tx: Transaction): Promise<Map<number, number>> {
  const accounts = await tx.load('account', 'id', [...new Set(accountIds)]);
  return new Map(accounts.map(({ id, balance, reserved }) => [id, balance - reserved]));
}

/** What the runs that end in a batch may be charged, one after the other. */
export interface Purses {
  /** The most that a run of a job can be charged, in micro-credits; Infinity where nothing was set aside for it. */
  ceiling(job: Reserved): number;
  /** Notes what it was charged. */
  charge(job: Reserved, price: number): void;
}

interface Reserved {
  account_id: number;
  reserved: number;
}

export async function loadPurses(jobs: readonly Reserved[], tx: Transaction): Promise<Purses> {
  const prepaid = jobs.filter(job => job.reserved > 0);
  const available = await loadAvailable(
    prepaid.map(job => job.account_id),
    tx,
  );
  const leftOf = (job: Reserved) => Math.max(available.get(job.account_id) ?? 0, 0);
  return {
    ceiling: job => (job.reserved > 0 ? job.reserved + leftOf(job) : Infinity),
    charge(job, price) {
      if (job.reserved > 0) available.set(job.account_id, leftOf(job) + Math.min(job.reserved - price, 0));
    },
  };
}

function notCovered(needed: number, left: number, jobs: number): Outcome<never> {
  const what = jobs === 1 ? 'The job' : `These ${jobs} jobs`;
  return failed(
    'PAYMENT_INSUFFICIENT_BALANCE',
    `${what} may cost up to ${needed / 1e6} credits, and ${left / 1e6} are available: a lower constraints.max_price reserves less`,
  );
}
