import type { JobPreview, ModelPrice } from '@aitbc/protocol';
import { findAccount } from '../../accounts/accounts.ts';
import { findBudgetLeft } from '../../accounts/key-rights.ts';
import { budgetKeysOf, type Principal } from '../../accounts/keys.ts';
import type { Directory } from '../../miners/directory.ts';
import type { Pricing } from '../../receipts/pricing.ts';
import type { Store } from '../../store/store.ts';
import { type BillingPolicy, runsOf, usualCost, worstCost } from '../prepaid-balance.ts';
import { findClocks } from '../queries.ts';
import { queueInfo } from '../scheduling/queue-position.ts';
import type { NewJob } from './submit-jobs.ts';

export interface PreviewOptions {
  store: Pick<Store, 'read' | 'lookUp'>;
  directory: Directory;
  policy: BillingPolicy;
  now: () => number;
}

/** Returns what a job may cost and where it would stand, from the same counters that a submission reads. Stores nothing. */
export async function previewJob(
  job: NewJob,
  principal: Principal,
  { store, directory, policy, now }: PreviewOptions,
): Promise<JobPreview> {
  const { request, place, runs, models } = job;
  const clocks = await findClocks(store, request.model);
  const priority = request.priority ?? 0;
  const own = clocks.find(clock => clock.priority === priority);
  const count = runsOf(job);
  const usual = count * usualCost(job, own?.average_run_ms ?? 0, policy);
  const left = await leftFor(principal, policy, store, now());
  return {
    dry_run: true,
    model: request.model,
    price: toModelPrice(policy.pricingOf(request.model)),
    cost: { most: (count * worstCost(job, policy)) / 1e6, usual: usual / 1e6 },
    available: left === Infinity ? null : Math.max(0, left) / 1e6,
    queue: queueInfo({ priority, rank: own?.tail_rank ?? 0 }, clocks, directory.reach(place), runs.length),
    ...(models && {
      models: models.map(model => ({
        model,
        price: toModelPrice(policy.pricingOf(model)),
        eligible_miners: directory.reach({ ...place, model }).miners,
      })),
    }),
  };
}

async function leftFor(
  principal: Principal,
  { prepaid }: BillingPolicy,
  { read }: PreviewOptions['store'],
  now: number,
): Promise<number> {
  const inBudget = await findBudgetLeft(read, budgetKeysOf(principal), now);
  if (!prepaid) return inBudget;
  const { balance = 0, reserved = 0 } = (await findAccount(read, principal.address)) ?? {};
  return Math.min(inBudget, balance - reserved);
}

export const toModelPrice = (pricing: Pricing): ModelPrice =>
  pricing.unit === 'token'
    ? { unit: 'token', credits: pricing.ratePer1000 }
    : { unit: 'gpu_second', credits: pricing.rate };
