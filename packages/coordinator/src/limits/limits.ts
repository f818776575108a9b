import type { Principal } from '../accounts/keys.ts';
import { fail } from '../errors.ts';
import { networkOf } from '../networks.ts';
import type { Store } from '../store/store.ts';
import { type Allowance, createAllowance } from './allowances.ts';
import { createOverload } from './overload.ts';
import type { AccountQuota } from './quotas.ts';
import { DEFAULT_TIER, PUBLIC_TIER, type Tier, type Tiers } from './tiers.ts';
import { createPresence, createTurns, type Turns } from './turns.ts';

/** Of a policy: what is left in its window. */
export interface PolicyState {
  name: 'requests' | 'jobs' | 'tokens';
  limit: number;
  windowSeconds: number;
  left: number;
  resetSeconds: number;
}

/** Each throws RequestError: RATE_LIMIT_EXCEEDED, or SYSTEM_OVERLOADED. */
export interface Limits {
  /** Counts a request: of a key, or of an address where there is none. */
  request(principal: Principal | undefined, address: string): void | Promise<void>;
  /** Counts jobs that are submitted, and their tokens. */
  jobs(principal: Principal, jobs: number, tokens: number): Promise<void>;
  /** Jobs of a batch: whether so many may be submitted now. Never throws. */
  mayProceed(accountId: number, tier: string | null, jobs: number): Promise<boolean>;
  /** Jobs are about to be written; to be called when they are. */
  writing(accountId: number, jobs: number): () => void;
  /** A request waits; to be called when it does no more. */
  waiting(principal: Principal): () => void;
  /** What an account may have; undefined where nothing is limited. */
  quotaOf(tier: string | null | undefined): AccountQuota | undefined;
  streamsOf(principal: Principal): number | null;
  /** What a caller's headers tell. Empty where nothing is limited. */
  states(principal: Principal): PolicyState[];
  /** Turns of what costs this coordinator, or its writer, much: large bodies, and many jobs at once. */
  costly: Turns;
  /** Turns of reading lists. */
  reading: Turns;
  close(): void;
}

export interface LimitsOptions {
  store: Pick<Store, 'read' | 'isShared'>;
  tiers: Tiers;
  /** Whether tiers hold; overload is heeded in any case. */
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

/** One that is being stored, and one that is read. */
const COSTLY = { atOnce: 2, share: 3 };
/** Where another process reads. */
const READING = { atOnce: 4, share: 3 };
/** SQLite is read by this thread, which has to parse and to write as much besides. */
const READING_HERE = { atOnce: 1, share: 5 };

export function createLimits({ store, tiers, enabled, overloadMs }: LimitsOptions): Limits {
  const overload = createOverload({ limitMs: overloadMs });
  const byTier = new Map(Object.entries(tiers).map(([name, tier]) => [name, ratesOf(name, tier, store)]));
  const usual = byTier.get(DEFAULT_TIER);
  const byAddress = byTier.get(PUBLIC_TIER);
  const waits = new Map<number, number>();
  const presence = createPresence();
  const { othersAreThere } = presence;

  /** Keys of a tier that the configuration does not name any more have the default one. */
  const of = (tier: string | null | undefined) =>
    enabled ? (byTier.get(tier ?? DEFAULT_TIER) ?? usual) : undefined;

  return {
    request(principal, address) {
      presence.note(principal?.accountId ?? networkOf(address) ?? '');
      if (!enabled) return;
      const rates = principal ? of(principal.tier) : byAddress;
      const key = principal ? keyOf(principal) : networkOf(address);
      if (!rates?.requests || key === undefined) return;
      const waitMs = rates.requests.take(key, 1);
      if (typeof waitMs === 'number') return waitMs > 0 ? tooMany('requests', waitMs) : undefined;
      return waitMs.then(ms => (ms > 0 ? tooMany('requests', ms) : undefined));
    },

    async jobs(principal, jobs, tokens) {
      const rates = of(principal.tier);
      const key = keyOf(principal);
      const waitMs = (await rates?.jobs?.take(key, jobs)) ?? 0;
      if (waitMs > 0) tooMany('jobs', waitMs);
      const tokensWaitMs = (await rates?.tokens?.take(key, tokens)) ?? 0;
      if (tokensWaitMs > 0) tooMany('tokens', tokensWaitMs);
    },

    async mayProceed(accountId, tier, jobs) {
      if (overload.lagMs() > overloadMs) return false;
      const waitMs = await of(tier)?.jobs?.take(`account-${accountId}`, jobs);
      return (waitMs ?? 0) === 0;
    },

    writing: (accountId, jobs) => overload.enter(accountId, jobs),

    waiting({ accountId, tier }) {
      const most = of(tier)?.tier.waits ?? Infinity;
      const own = waits.get(accountId) ?? 0;
      if (own >= most)
        fail('RATE_LIMIT_EXCEEDED', `${own} of your requests wait, which is as many as may`, {
          retryAfter: 1,
        });
      waits.set(accountId, own + 1);
      return () => {
        const left = (waits.get(accountId) ?? 1) - 1;
        if (left > 0) waits.set(accountId, left);
        else waits.delete(accountId);
      };
    },

    quotaOf: tier => of(tier)?.tier,
    streamsOf: ({ tier }) => of(tier)?.tier.streams ?? null,

    states(principal) {
      const key = keyOf(principal);
      return (of(principal.tier)?.policies ?? []).map(({ name, windowSeconds, allowance }) => {
        const { limit, left, resetMs } = allowance.state(key);
        return { name, limit, windowSeconds, left, resetSeconds: Math.max(0, Math.ceil(resetMs / 1000)) };
      });
    },

    costly: createTurns({ ...COSTLY, othersAreThere }),
    reading: createTurns({ ...(store.isShared ? READING : READING_HERE), othersAreThere }),
    close: () => overload.close(),
  };
}

function ratesOf(name: string, tier: Tier, store: LimitsOptions['store']): Rates {
  const { requests_per_minute, tokens_per_minute, jobs_per_second, jobs_burst } = tier;
  const policies: Rates['policies'] = [];
  const add = (of: PolicyState['name'], points: number | null, windowSeconds: number) => {
    if (points === null) return {};
    const allowance = createAllowance({ name: `${name}/${of}`, points, windowSeconds, store });
    policies.push({ name: of, windowSeconds, allowance });
    return { [of]: allowance };
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
  return fail('RATE_LIMIT_EXCEEDED', `Too many ${what} for now`, {
    retryAfter: Math.max(1, Math.ceil(waitMs / 1000)),
  });
}
