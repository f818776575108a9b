/** The limits of a tier. `null` means that there is no limit. The names are those of the configuration file. */
export interface Tier {
  /** Requests per minute of one key. */
  requests_per_minute: number | null;
  /** Tokens per minute of one key: the tokens of prompts and `max_tokens` together. */
  tokens_per_minute: number | null;
  /** Jobs per second of one key, on average over the time of a burst. */
  jobs_per_second: number | null;
  /** Jobs at once of one key. */
  jobs_burst: number;
  /** Jobs of one account that wait for a miner. */
  pending: number | null;
  /** Running jobs of one account. With this many, the account can submit no more jobs. */
  running: number | null;
  /** Event streams at once of one account at one coordinator. */
  streams: number | null;
  /** Waiting requests at once, for a job's end or for work, of one account at one coordinator. */
  waits: number | null;
  /** Credits that the jobs of one account may cost per UTC day. */
  credits_per_day: number | null;
  /** MiB of one account's files and of the inputs of its unfinished jobs. */
  disk_mib: number | null;
}

export type Tiers = Readonly<Record<string, Tier>>;

/**
 * Keys without a tier have the default tier. Requests without a key have the public tier and are counted by address.
 */
export const DEFAULT_TIER = 'default';
export const PUBLIC_TIER = 'public';

const DEFAULT_LIMITS: Tier = {
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

/** The default limits are so high that ordinary use never reaches them. */
export const DEFAULT_TIERS: Tiers = {
  [DEFAULT_TIER]: DEFAULT_LIMITS,
  [PUBLIC_TIER]: { ...DEFAULT_LIMITS, requests_per_minute: 60_000 },
};

const MAX_LIMIT = 1e12;

/** A rate without a burst allows a burst of this many seconds' jobs. */
const BURST_SECONDS = 5;

/**
 * Reads the tiers of a configuration. A tier inherits the limits that it does not set from the default tier, which
 * inherits from the built-in limits.
 *
 * @throws {Error} with a message that continues the name of the option
 */
export function readTiers(given: unknown): Tiers {
  if (!isObject(given)) throw new Error('must be an object of tiers by name');
  const defaultTier = readTier(DEFAULT_TIER, given[DEFAULT_TIER] ?? {}, DEFAULT_LIMITS);
  const others = Object.entries(given).filter(([name]) => name !== DEFAULT_TIER);
  const publicTier = {
    ...defaultTier,
    requests_per_minute: DEFAULT_TIERS[PUBLIC_TIER]?.requests_per_minute ?? null,
  };
  return {
    [DEFAULT_TIER]: defaultTier,
    [PUBLIC_TIER]: publicTier,
    ...Object.fromEntries(
      others.map(([name, tier]) => [
        name,
        readTier(name, tier, name === PUBLIC_TIER ? publicTier : defaultTier),
      ]),
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
    if (!Object.hasOwn(DEFAULT_LIMITS, limit)) throw new Error(`has the unknown limit ${limit} in ${name}`);
    const isUnlimited = value === null && limit !== 'jobs_burst';
    if (
      !isUnlimited &&
      !(Number.isInteger(value) && (value as number) >= 1 && (value as number) <= MAX_LIMIT)
    )
      throw new Error(`must have a whole number from 1 to ${MAX_LIMIT}, or null, as ${limit} in ${name}`);
    tier[limit] = value as number | null;
  }
  const { jobs_per_second: rate } = given;
  if (rate !== undefined && given.jobs_burst === undefined && rate !== null)
    tier.jobs_burst = BURST_SECONDS * (rate as number);
  return tier as unknown as Tier;
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
