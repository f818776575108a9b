import type { Principal } from '../accounts/keys.ts';
import { fail } from '../errors.ts';
import { networkOf } from '../networks.ts';
import type { Store } from '../store/store.ts';
import { type Allowance, createAllowance } from './allowances.ts';
import { createOverload } from './overload.ts';
import type { AccountQuota } from './quotas.ts';
import { DEFAULT_TIER, PUBLIC_TIER, type Tier, type Tiers } from './tiers.ts';
import { createRecentCallers, createTurns, type Turns } from './turns.ts';

/** What is left of a limit in its current window. */
interface PolicyState {
  name: 'requests' | 'jobs' | 'tokens';
  limit: number;
  windowSeconds: number;
  left: number;
  resetSeconds: number;
}

/** Methods throw RequestError with RATE_LIMIT_EXCEEDED or SYSTEM_OVERLOADED. */
export interface Limits {
  /** Counts a request: for its key, or for its address if it has no key. */
  request(principal: Principal | undefined, address: string): void | Promise<void>;
  /** Counts submitted jobs and their tokens. */
  jobs(principal: Principal, jobs: number, tokens: number): Promise<void>;
  /** Whether this many jobs of a batch may be submitted now. Never throws. */
  canSubmitBatch(accountId: number, tier: string | null, jobs: number): Promise<boolean>;
  /** Counts jobs that are about to be written. The caller calls the returned function when they are written. */
  countWrites(accountId: number, jobs: number): () => void;
  /** Counts a waiting request. The caller calls the returned function when the wait is over. */
  countWait(principal: Principal): () => void;
  /** Returns the quota of a tier, or undefined if limits are off. */
  quotaOf(tier: string | null | undefined): AccountQuota | undefined;
  streamsOf(principal: Principal): number | null;
  /** Returns the state of each limit, for the response headers. Empty if limits are off. */
  states(principal: Principal): PolicyState[];
  /** Turns of requests that cost this coordinator or its writer much: large bodies, and many jobs at once. */
  costly: Turns;
  /** Turns of reading lists. */
  reading: Turns;
  close(): void;
}

export interface LimitsOptions {
  store: Pick<Store, 'read' | 'isShared'>;
  tiers: Tiers;
  /** Whether the limits of tiers apply. Overload protection always does. */
  enabled: boolean;
  overloadMs: number;
}

interface Rates {
  tier: Tier;
  policies: { name: PolicyState['name']; windowSeconds: number; allowance: Allowance }[];
  requests?: Allowance;
  jobs?: Allowance;
  tokens?: Allowance;
}

const MINUTE = 60;

/** Two at once: one request is stored while the next one is read. */
const COSTLY = { atOnce: 2, share: 3 };
/** For PostgreSQL: another process does the reading. */
const READING = { atOnce: 4, share: 3 };
/** For SQLite: this thread does the reading, besides parsing and writing. */
const READING_HERE = { atOnce: 1, share: 5 };

export function createLimits({ store, tiers, enabled, overloadMs }: LimitsOptions): Limits {
  const overload = createOverload({ limitMs: overloadMs });
  const byTier = new Map(Object.entries(tiers).map(([name, tier]) => [name, createRates(name, tier, store)]));
  const defaultRates = byTier.get(DEFAULT_TIER);
  const publicRates = byTier.get(PUBLIC_TIER);
  const waits = new Map<number, number>();
  const recentCallers = createRecentCallers();
  const { othersAreThere } = recentCallers;

  /** Returns the rates of a tier. Keys whose tier is no longer configured get the default tier. */
  const ratesFor = (tier: string | null | undefined) =>
    enabled ? (byTier.get(tier ?? DEFAULT_TIER) ?? defaultRates) : undefined;

  return {
    request(principal, address) {
      recentCallers.note(principal?.accountId ?? networkOf(address) ?? '');
      if (!enabled) return;
      const rates = principal ? ratesFor(principal.tier) : publicRates;
      const key = principal ? keyOf(principal) : networkOf(address);
      if (!rates?.requests || key === undefined) return;
      const waitMs = rates.requests.take(key, 1);
      if (typeof waitMs === 'number') return waitMs > 0 ? tooMany('requests', waitMs) : undefined;
      return waitMs.then(ms => (ms > 0 ? tooMany('requests', ms) : undefined));
    },

    async jobs(principal, jobs, tokens) {
      const rates = ratesFor(principal.tier);
      const key = keyOf(principal);
      const waitMs = (await rates?.jobs?.take(key, jobs)) ?? 0;
      if (waitMs > 0) tooMany('jobs', waitMs);
      const tokensWaitMs = (await rates?.tokens?.take(key, tokens)) ?? 0;
      if (tokensWaitMs > 0) tooMany('tokens', tokensWaitMs);
    },

    async canSubmitBatch(accountId, tier, jobs) {
      if (overload.lagMs() > overloadMs) return false;
      const waitMs = await ratesFor(tier)?.jobs?.take(`account-${accountId}`, jobs);
      return (waitMs ?? 0) === 0;
    },

    countWrites: (accountId, jobs) => overload.enter(accountId, jobs),

    countWait({ accountId, tier }) {
      const limit = ratesFor(tier)?.tier.waits ?? Infinity;
      const current = waits.get(accountId) ?? 0;
      if (current >= limit)
        fail('RATE_LIMIT_EXCEEDED', `${current} of your requests are waiting, which is the limit`, {
          limit: 'waits',
          retryAfter: 1,
        });
      waits.set(accountId, current + 1);
      return () => {
        const left = (waits.get(accountId) ?? 1) - 1;
        if (left > 0) waits.set(accountId, left);
        else waits.delete(accountId);
      };
    },

    quotaOf: tier => ratesFor(tier)?.tier,
    streamsOf: ({ tier }) => ratesFor(tier)?.tier.streams ?? null,

    states(principal) {
      const key = keyOf(principal);
      return (ratesFor(principal.tier)?.policies ?? []).map(({ name, windowSeconds, allowance }) => {
        const { limit, left, resetMs } = allowance.state(key);
        return { name, limit, windowSeconds, left, resetSeconds: Math.max(0, Math.ceil(resetMs / 1000)) };
      });
    },

    costly: createTurns({ ...COSTLY, othersAreThere }),
    reading: createTurns({ ...(store.isShared ? READING : READING_HERE), othersAreThere }),
    close: () => overload.close(),
  };
}

function createRates(name: string, tier: Tier, store: LimitsOptions['store']): Rates {
  const { requests_per_minute, tokens_per_minute, jobs_per_second, jobs_burst } = tier;
  const policies: Rates['policies'] = [];
  const add = (policy: PolicyState['name'], points: number | null, windowSeconds: number) => {
    if (points === null) return {};
    const allowance = createAllowance({ name: `${name}/${policy}`, points, windowSeconds, store });
    policies.push({ name: policy, windowSeconds, allowance });
    return { [policy]: allowance };
  };
  // A window of a burst is as long as the average takes for it.
  const burst = jobs_per_second === null ? null : Math.max(jobs_burst, jobs_per_second);
  return {
    tier,
    policies,
    ...add('requests', requests_per_minute, MINUTE),
    ...add('jobs', burst, Math.max(1, Math.ceil((burst ?? 0) / (jobs_per_second ?? 1)))),
    ...add('tokens', tokens_per_minute, MINUTE),
  };
}

const keyOf = ({ keyId, accountId }: Principal) => keyId ?? `account-${accountId}`;

function tooMany(what: PolicyState['name'], waitMs: number): never {
  return fail('RATE_LIMIT_EXCEEDED', `Too many ${what}: try again later`, {
    limit: what,
    retryAfter: Math.max(1, Math.ceil(waitMs / 1000)),
  });
}
