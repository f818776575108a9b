/** What a tier limits. `null` is no limit. Names are those of the configuration file. */
export interface Tier {
  /** Requests in a minute, of one key. */
  requests_per_minute: number | null;
  /** Tokens in a minute, of one key: those that prompts may have, and `max_tokens`. */
  tokens_per_minute: number | null;
  /** Jobs in a second, of one key, on average over the time that a burst takes. */
  jobs_per_second: number | null;
  /** Jobs at once, of one key. */
  jobs_burst: number;
  /** Jobs that wait for a miner, of one account. */
  pending: number | null;
  /** Jobs that run, of one account, beyond which it submits no others. */
  running: number | null;
  /** Streams of events at once, of one account at one coordinator. */
  streams: number | null;
  /** Requests that wait for a job, or for work, at once, of one account at one coordinator. */
  waits: number | null;
  /** Credits that the jobs of one account may cost in a day, by UTC. */
  credits_per_day: number | null;
  /** MiB of the files of one account and of the inputs of its jobs that have not ended. */
  disk_mib: number | null;
}

export type Tiers = Readonly<Record<string, Tier>>;

/** The tier of keys that name none, and the one of requests without a key, which are counted by address. */
export const DEFAULT_TIER = 'default';
export const PUBLIC_TIER = 'public';

const USUAL: Tier = {
  requests_per_minute: 1_200_000,
  tokens_per_minute: null,
  jobs_per_second: 2_000,
  jobs_burst: 10_000,
  pending: 200_000,
  running: null,
  streams: null,
  waits: 20_000,
  credits_per_day: null,
  disk_mib: 20_480,
};

/** Nobody honest meets them. */
export const USUAL_TIERS: Tiers = {
  [DEFAULT_TIER]: USUAL,
  [PUBLIC_TIER]: { ...USUAL, requests_per_minute: 60_000 },
};

const MOST = 1e12;

/** A rate that is given without a burst allows what comes in so long. */
const BURST_SECONDS = 5;

/**
 * The tiers of a configuration. Each begins with what the default one has, and that with the usual limits.
 *
 * @throws {Error} whose message continues the name of the option
 */
export function readTiers(given: unknown): Tiers {
  if (!isObject(given)) throw new Error('must be an object of tiers by name');
  const usual = readTier(DEFAULT_TIER, given[DEFAULT_TIER] ?? {}, USUAL);
  const others = Object.entries(given).filter(([name]) => name !== DEFAULT_TIER);
  const open = { ...usual, requests_per_minute: USUAL_TIERS[PUBLIC_TIER]?.requests_per_minute ?? null };
  return {
    [DEFAULT_TIER]: usual,
    [PUBLIC_TIER]: open,
    ...Object.fromEntries(
      others.map(([name, tier]) => [name, readTier(name, tier, name === PUBLIC_TIER ? open : usual)]),
    ),
  };
}

function readTier(name: string, given: unknown, base: Tier): Tier {
  if (!/^[A-Za-z0-9_.-]{1,64}$/.test(name))
    throw new Error(
      `has a tier ${JSON.stringify(name)}, whose name must be 1 to 64 letters, digits, ".", "_" or "-"`,
    );
  if (!isObject(given)) throw new Error(`must have an object of limits as ${name}`);
  const tier: Record<string, number | null> = { ...base };
  for (const [limit, value] of Object.entries(given)) {
    if (!Object.hasOwn(USUAL, limit)) throw new Error(`has ${limit} in ${name}, which is no limit`);
    const isNone = value === null && limit !== 'jobs_burst';
    if (!isNone && !(Number.isInteger(value) && (value as number) >= 1 && (value as number) <= MOST))
      throw new Error(`must have a whole number from 1 to ${MOST}, or null, as ${limit} in ${name}`);
    tier[limit] = value as number | null;
  }
  const { jobs_per_second: rate } = given;
  if (rate !== undefined && given.jobs_burst === undefined && rate !== null)
    tier.jobs_burst = BURST_SECONDS * (rate as number);
  return tier as unknown as Tier;
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
