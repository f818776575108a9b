import { highestCharge, type Pricing, priceLimit } from '../receipts/pricing.ts';
import { usualTokens } from '../receipts/token-limit.ts';
import { failed, type Outcome } from '../store/operation.ts';
import type { WriteTransaction } from '../store/transaction.ts';
import type { ModelJob } from './requirements.ts';

/*
 * With prepaid billing a job is accepted if the balance covers its usual cost, which is then reserved. For a model
 * without statistics the worst case is reserved if the balance covers that, otherwise the usual cost of other models. A
 * run that costs more is paid from what the account has left when it ends: a balance never falls below 0. So a client
 * with few credits may be charged less than a run was worth. That loss of the miner is bounded by how far runs differ
 * from the usual, while reserving the worst case would reject clients who could pay for hundreds of usual jobs.
 */

/** How jobs are priced, and whether the balance must cover a job before it is accepted. */
export interface BillingPolicy {
  prepaid: boolean;
  pricingOf(model: string): Pricing;
  /** The time limit of an attempt. */
  timeoutMs: number;
}

/** What a job's price depends on. */
interface Priced {
  request: Pick<ModelJob, 'model' | 'constraints' | 'replication' | 'params'>;
  /** The models that may run it, if there are several. */
  models?: readonly string[];
  /** The most tokens that can be billed. */
  tokenLimit: number;
  /** The length of the content, in UTF-8 bytes. */
  promptBytes: number;
}

/** A run is expected to take at most this many times the average of its model. */
const USUAL_SPREAD = 4;

/** The shortest expected run, also used for a model without statistics. */
const SHORTEST_USUAL_MS = 60_000;

/**
 * Returns the highest expected cost of a job or of one of its runs, in micro-credits. Time: four times the average run
 * of its model, at least a minute, at most an attempt's time limit. Tokens: the most that its prompt may have, and
 * `max_tokens` or the usual length for the answer. Never more than the price limit. Of several
 * models, the dearest counts.
 *
 * @param averageRunMs the average for its model and priority, or 0 if unknown
 */
export function usualCost(job: Priced, averageRunMs: number, policy: BillingPolicy): number {
  const usualMs = Math.max(SHORTEST_USUAL_MS, USUAL_SPREAD * averageRunMs);
  const tokens = usualTokens(job.promptBytes, job.request.params?.max_tokens);
  return costOf(job, Math.min(usualMs, policy.timeoutMs), Math.min(tokens, job.tokenLimit), policy);
}

/** Returns the highest possible cost: an attempt of the full time limit with all tokens that can be billed. */
export const worstCost = (job: Priced, policy: BillingPolicy) =>
  costOf(job, policy.timeoutMs, job.tokenLimit, policy);

function costOf(
  { request: { model, constraints }, models = [model] }: Priced,
  ms: number,
  token_limit: number,
  { pricingOf }: BillingPolicy,
): number {
  const max_price = priceLimit(constraints?.max_price);
  return Math.max(...models.map(name => highestCharge(ms, { max_price, token_limit }, pricingOf(name))));
}

/** Returns how many runs of the job are paid. */
export const runsOf = ({ request: { replication = 1 } }: Priced) => replication;

/**
 * Chooses what to reserve for each job and returns it with the sum for all runs: the worst case for models without
 * statistics if `left` covers that, otherwise the usual cost.
 */
export function costsWithin<Job extends Priced>(
  left: number,
  jobs: readonly Job[],
  averageRunMs: (job: Job) => number,
  policy: BillingPolicy,
): { costs: readonly number[]; needed: number } {
  const usual = jobs.map(job => usualCost(job, averageRunMs(job), policy));
  const cautious = jobs.map((job, index) =>
    averageRunMs(job) === 0 ? worstCost(job, policy) : (usual[index] ?? 0),
  );
  const sumOf = (costs: readonly number[]) =>
    jobs.reduce((sum, job, index) => sum + runsOf(job) * (costs[index] ?? 0), 0);
  const costs = sumOf(cautious) <= left ? cautious : usual;
  return { costs, needed: sumOf(costs) };
}

/** What accounts can still spend while the submissions of a batch are decided in order. */
export interface Funds {
  /** Returns what was reserved for an accepted job, or for each of its runs. */
  reservedFor(job: Priced): number;
  /** Reserves the expected cost of the jobs, or returns the error if the account has too little left. */
  take<Job extends Priced>(
    accountId: number,
    jobs: readonly Job[],
    averageRunMs: (job: Job) => number,
  ): Outcome<never> | undefined;
}

/** With postpaid billing nothing is read or reserved. */
const UNLIMITED: Funds = { reservedFor: () => 0, take: () => undefined };

export async function loadFunds(
  accountIds: readonly number[],
  policy: BillingPolicy,
  tx: WriteTransaction,
): Promise<Funds> {
  if (!policy.prepaid) return UNLIMITED;
  const available = await loadAvailable(accountIds, tx);
  const reserved = new Map<Priced, number>();
  return {
    reservedFor: job => reserved.get(job) ?? 0,
    take(accountId, jobs, averageRunMs) {
      const left = available.get(accountId) ?? 0;
      const { costs, needed } = costsWithin(left, jobs, averageRunMs, policy);
      if (needed > left) return notCovered(needed, left, jobs.length);
      for (const [index, job] of jobs.entries()) reserved.set(job, costs[index] ?? 0);
      available.set(accountId, left - needed);
      return undefined;
    },
  };
}

/** Returns the unreserved balances of accounts, in micro-credits. */
async function loadAvailable(
  accountIds: readonly number[],
  tx: WriteTransaction,
): Promise<Map<number, number>> {
  const accounts = await tx.load('account', 'id', [...new Set(accountIds)]);
  return new Map(accounts.map(({ id, balance, reserved }) => [id, balance - reserved]));
}

/** What the ending runs of a batch may be charged, in order. */
export interface Purses {
  /** Returns the most that a run can be charged, in micro-credits, or Infinity if nothing was reserved for it. */
  ceiling(job: Reserved): number;
  /** Records what a run was charged. */
  charge(job: Reserved, price: number): void;
}

interface Reserved {
  account_id: number;
  reserved: number;
}

export async function loadPurses(jobs: readonly Reserved[], tx: WriteTransaction): Promise<Purses> {
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
