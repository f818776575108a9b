import { readFileSync } from 'node:fs';
import { LIMITS } from '@aitbc/protocol/limits';
import { type Tiers, USUAL_TIERS } from './limits/tiers.ts';
import { ConfigError, checkOption, type Option, type Proxies, type Rates } from './option.ts';

export { ConfigError, type Rates } from './option.ts';

const text = (value: string | undefined, about: string, more: Partial<Option> = {}) =>
  ({ kind: 'text', default: value, about, ...more }) as Option<'text'>;
const integer = (value: number, about: string, unit: string, minimum: number, maximum: number) =>
  ({ kind: 'integer', default: value, about, unit, minimum, maximum }) as Option<'integer'>;
const number = (value: number, about: string, unit: string, minimum: number, maximum: number) =>
  ({ kind: 'number', default: value, about, unit, minimum, maximum }) as Option<'number'>;

const MiB = 1024 * 1024;
const DAY = 24 * 3600;

/**
 * Every option of the coordinator. `fooBar` is `--foo-bar` on the command line, `AITBC_FOO_BAR` in the
 * environment and `foo_bar` in the configuration file; the first of these that is given counts.
 */
export const OPTIONS = {
  host: text('127.0.0.1', 'Address to listen on'),
  port: integer(8000, 'Port to listen on; 0 takes a free one', 'PORT', 0, 65_535),
  data: text('./data', 'Folder of the database and the signing key', { unit: 'DIR' }),
  signingKey: text(undefined, 'Key that signs receipts; signing-key.pem in the data folder unless given', {
    unit: 'FILE',
  }),
  rotateSigningKey: {
    kind: 'switch',
    default: false,
    about: 'Sign with another key from now on, rather than refuse to start with it',
  } as Option<'switch'>,
  ledgerOrigin: text(
    undefined,
    'Name of the ledger, such as coordinator.example/ledger; fixed at first start',
    {
      unit: 'NAME',
    },
  ),
  ledgerKey: text(
    undefined,
    'Key that the ledger is signed with; ledger-key.pem in the data folder, or the signing key, unless given',
    { unit: 'FILE' },
  ),
  ledgerCheckpoint: text(
    undefined,
    'Where the last signed checkpoint is kept; ledger-checkpoint in the data folder unless given',
    { unit: 'FILE' },
  ),
  ledgerInterval: number(1, 'The ledger is published at most so often', 'SECONDS', 0.05, 3600),
  witness: {
    kind: 'witnesses',
    default: [],
    about: 'A witness to cosign the ledger, by its address and its key; as often as needed, up to 14',
    unit: 'URL=VKEY',
  } as Option<'witnesses'>,
  witnessQuorum: integer(
    0,
    'How many witnesses the published policy demands; 0: more than half',
    'NUMBER',
    0,
    14,
  ),
  witnessTimeoutSeconds: number(
    2,
    'How long witnesses get to cosign, which a checkpoint waits for',
    'SECONDS',
    0.05,
    60,
  ),
  databaseUrl: text(
    undefined,
    'postgres://… for several coordinators; SQLite in the data folder unless given',
    {
      unit: 'URL',
    },
  ),
  databasePoolSize: integer(
    10,
    'Connections to PostgreSQL that read; one more writes, one listens',
    'NUMBER',
    1,
    1000,
  ),
  databaseTimeoutSeconds: integer(
    10,
    'PostgreSQL gives up a statement, or an idle transaction, after so long',
    'SECONDS',
    1,
    600,
  ),
  billing: text('postpaid', 'prepaid: what a job may cost must be covered by its client’s balance', {
    choices: ['postpaid', 'prepaid'],
  }),
  mode: text('auto', 'open: no keys needed; keyed: keys needed; auto: open on a loopback address only', {
    choices: ['auto', 'open', 'keyed'],
  }),
  logLevel: text('info', 'How much to log', {
    choices: ['silent', 'fatal', 'error', 'warn', 'info', 'debug', 'trace'],
  }),
  coordinatorId: text(undefined, 'Name in receipts; made at first start unless given', {
    unit: 'NAME',
    ascii: true,
  }),
  corsOrigin: text(
    '*',
    'Origins whose pages may call the API: * (where no key is needed, those of this machine only) or a comma-separated list',
    {
      unit: 'ORIGINS',
    },
  ),
  allowedHosts: text(
    '',
    'Names that an open coordinator answers to, besides addresses and localhost: a comma-separated list',
    { unit: 'NAMES' },
  ),
  trustProxy: {
    kind: 'proxies',
    default: false,
    about:
      'Take the client address from X-Forwarded-For: of so many proxies in a row, or of those in these networks',
    unit: 'HOPS|NETWORKS',
  } as Option<'proxies'>,
  connectionsPerAddress: integer(
    1_000,
    'Connections of one address at once; this machine and trusted proxies may have more',
    'NUMBER',
    1,
    1_000_000,
  ),
  bodySeconds: number(60, 'A request body must have come after so long', 'SECONDS', 0.05, 3600),
  uploadSeconds: integer(
    3600,
    'The upload of a file must have come after so long, without pauses longer than --body-seconds',
    'SECONDS',
    1,
    DAY,
  ),
  bodyMemory: integer(256, 'Memory for large bodies that have not come to their end', 'MIB', 1, 102_400),
  bodyLimit: integer(MiB, 'Largest request body', 'BYTES', 1024, 1024 * MiB),
  batchBodyLimit: integer(16 * MiB, 'Largest body of a batch of jobs', 'BYTES', 1024, 1024 * MiB),
  fileLimit: integer(200, 'Largest file, such as the requests of a batch', 'MIB', 1, 10_240),
  fileDays: integer(30, 'Files are erased so long after they were made', 'DAYS', 1, 36_500),
  promptLimit: integer(256 * 1024, 'Longest prompt', 'BYTES', 1, 1024 * MiB),
  mediaLimit: integer(
    20 * MiB,
    'Images of one request, or its texts to embed: beside the prompt',
    'BYTES',
    1024,
    256 * MiB,
  ),
  chunkLimit: integer(16 * 1024, 'Longest piece of text in a stream', 'BYTES', 4096, MiB),
  streamLimit: integer(MiB, 'Longest text of one stream', 'BYTES', 1024, 64 * MiB),
  streamChunks: integer(50_000, 'Pieces of text in one stream', 'NUMBER', 1, 1_000_000),
  streamKeepSeconds: integer(
    300,
    'Streamed text is erased so long after the end of its job, whose result stays',
    'SECONDS',
    0,
    30 * DAY,
  ),
  streamHeartbeatSeconds: number(
    15,
    'A stream of events in which nothing happens says so after so long',
    'SECONDS',
    0.05,
    3600,
  ),
  maxStreams: integer(10_000, 'Streams of events at once, all clients together', 'NUMBER', 1, 1_000_000),
  maxStreamsPerAccount: integer(1000, 'Streams of events at once, of one account', 'NUMBER', 1, 1_000_000),
  maxWaitSeconds: integer(30, 'Longest long poll; a longer wait is answered then', 'SECONDS', 0, 300),
  leaseSeconds: integer(120, 'How long a claim lasts without a heartbeat', 'SECONDS', 1, DAY),
  jobTimeoutSeconds: integer(600, 'How long one attempt may run', 'SECONDS', 1, 7 * DAY),
  offerSeconds: integer(5, 'How long an offered job is kept for its miner', 'SECONDS', 1, 300),
  minerTimeoutSeconds: integer(90, 'A miner not heard of for so long is offline', 'SECONDS', 1, DAY),
  modelMemorySeconds: integer(
    600,
    'A model whose last miner left is away, rather than unknown, for so long',
    'SECONDS',
    0,
    30 * DAY,
  ),
  ttlSeconds: integer(DAY, 'Time to live of a job that names none', 'SECONDS', 1, LIMITS.ttlSeconds.max),
  maxAttempts: integer(3, 'Attempts of a job that names no number', 'NUMBER', 1, LIMITS.attempts.max),
  retryBackoffSeconds: number(
    1,
    'Pause after a first failed attempt; it doubles with each',
    'SECONDS',
    0,
    3600,
  ),
  limits: text('auto', 'Whether the limits of tiers hold; auto: where keys are needed', {
    choices: ['auto', 'on', 'off'],
  }),
  tiers: {
    kind: 'tiers',
    default: USUAL_TIERS,
    about: 'Limits of keys by tier, such as {"default":{"pending":1000},"gold":{"pending":null}}',
    unit: 'JSON',
  } as Option<'tiers'>,
  overloadSeconds: number(
    2,
    'Where writes come so late, clients with most in the queue are refused',
    'SECONDS',
    0.05,
    600,
  ),
  maxPriority: integer(
    LIMITS.priority.max,
    'Highest priority that anybody but an administrator may ask for; keys are made with limits of their own',
    'NUMBER',
    LIMITS.priority.min,
    LIMITS.priority.max,
  ),
  lowPriorityShare: number(
    0.1,
    'Share of a miner’s jobs that goes to lower priorities while a higher one waits; 0: none',
    'SHARE',
    0,
    0.5,
  ),
  idempotencySeconds: integer(DAY, 'How long an idempotency key is remembered', 'SECONDS', 60, 30 * DAY),
  retentionDays: integer(
    0,
    'Prompts and results are erased so long after the end of their job; 0: never',
    'DAYS',
    0,
    36_500,
  ),
  sweepSeconds: number(1, 'How often expiries are looked for', 'SECONDS', 0.05, 60),
  drainSeconds: integer(30, 'How long a stop waits for requests in flight', 'SECONDS', 0, 3600),
  maxBatch: integer(512, 'Writes in one transaction', 'NUMBER', 1, 10_000),
  keyCacheSeconds: number(5, 'A revoked key is refused everywhere after so long', 'SECONDS', 0, 3600),
  preferLoadedSeconds: number(
    10,
    'Jobs for models that a miner has in memory go before others to it for at most so long',
    'SECONDS',
    0,
    3600,
  ),
  minReputation: number(
    0.2,
    'An owner of miners whose reputation falls below gets no jobs for a while; 0: none is suspended',
    'SCORE',
    0,
    1,
  ),
  maxMinersPerOwner: integer(
    1_000,
    'Miners of an owner whose key was not made with --trusted',
    'NUMBER',
    1,
    1_000_000,
  ),
  suspensionHours: number(
    24,
    'How long an owner of miners is suspended; it is on probation afterwards',
    'HOURS',
    0.01,
    100_000,
  ),
  minRunSeconds: number(1, 'A price limit that pays for less time is refused', 'SECONDS', 0, 86_400),
  reputationHalfLifeDays: number(
    14,
    'What a miner did so long ago counts half in its reputation',
    'DAYS',
    0.01,
    36_500,
  ),
  spotCheck: number(
    0,
    'Share of the completed jobs that are run once more, unseen, to compare results: 0.01 is one in a hundred',
    'SHARE',
    0,
    1,
  ),
  rate: number(0.01, 'Credits for one GPU second', 'CREDITS', 0, 1e6),
  rates: {
    kind: 'rates',
    default: {},
    about: 'Credits for one GPU second by model: llama3.2=0.02,…',
    unit: 'MODEL=CREDITS',
  } as Option<'rates'>,
  tokenRates: {
    kind: 'rates',
    default: {},
    about: 'Credits for 1000 tokens, of models that are priced by tokens: llama3.2=0.5,…',
    unit: 'MODEL=CREDITS',
  } as Option<'rates'>,
  tokenLimit: integer(
    32_768,
    'Tokens of an answer that can be charged for where the job names no max_tokens',
    'NUMBER',
    1,
    1e9,
  ),
} as const satisfies Record<string, Option>;

export type OptionName = keyof typeof OPTIONS;

type ValueOf<O> =
  O extends Option<'rates'>
    ? Rates
    : O extends Option<'tiers'>
      ? Tiers
      : O extends Option<'witnesses'>
        ? readonly string[]
        : O extends Option<'proxies'>
          ? Proxies
          : O extends Option<'switch'>
            ? boolean
            : O extends Option<'text'>
              ? string
              : number;

type Optional =
  | 'signingKey'
  | 'ledgerOrigin'
  | 'ledgerKey'
  | 'ledgerCheckpoint'
  | 'databaseUrl'
  | 'coordinatorId';
export type Config = { readonly [N in Exclude<OptionName, Optional>]: ValueOf<(typeof OPTIONS)[N]> } & {
  readonly [N in Optional]?: string;
};

export const flagOf = (name: string) => `--${name.replace(/[A-Z]/g, letter => `-${letter.toLowerCase()}`)}`;
export const variableOf = (name: string) =>
  `AITBC_${name.replace(/[A-Z]/g, letter => `_${letter}`).toUpperCase()}`;
const settingOf = (name: string) => variableOf(name).slice('AITBC_'.length).toLowerCase();

export interface ConfigSources {
  /** Values of the command line, or of a program that starts the coordinator itself. */
  given?: Partial<Record<OptionName, unknown>>;
  env?: Readonly<Record<string, string | undefined>>;
  /** Path of a JSON file. */
  file?: string | undefined;
}

/** Reads and checks the configuration. Throws ConfigError. */
export function readConfig({ given = {}, env = {}, file }: ConfigSources = {}): Config {
  const settings = file === undefined ? {} : readSettings(file);
  const config: Record<string, unknown> = {};
  for (const [name, option] of Object.entries(OPTIONS) as [OptionName, Option][]) {
    const sources: [string, unknown][] = [
      [flagOf(name), given[name]],
      [variableOf(name), env[variableOf(name)] || undefined],
      [`${settingOf(name)} in ${file}`, settings[settingOf(name)]],
    ];
    const found = sources.find(([, value]) => value !== undefined);
    config[name] = found ? checkOption(found[0], option, found[1]) : option.default;
  }
  return config as unknown as Config;
}

function readSettings(file: string): Record<string, unknown> {
  let settings: unknown;
  try {
    settings = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new ConfigError(`--config ${file} can't be read: ${(error as Error).message}`);
  }
  if (typeof settings !== 'object' || settings === null || Array.isArray(settings)) {
    throw new ConfigError(`--config ${file} must hold a JSON object`);
  }
  const known = new Set(Object.keys(OPTIONS).map(settingOf));
  const unknown = Object.keys(settings).find(name => !known.has(name));
  if (unknown) throw new ConfigError(`${unknown} in ${file} is no option`);
  return settings as Record<string, unknown>;
}
