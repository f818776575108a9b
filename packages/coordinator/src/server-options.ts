import { compile } from '@fastify/proxy-addr';
import {
  ConfigError,
  checkNumber,
  integerOption,
  numberOption,
  type OptionTable,
  text,
  type ValuesOf,
} from './option.ts';

/** The trusted proxies: none, a number of them in a row, or those in these networks. */
export type Proxies = boolean | number | readonly string[];

/** Reads the trusted proxies. `true` means one proxy, for configurations that are older than numbers. */
function readProxies(source: string, value: unknown): Proxies {
  if (value === true || value === 'true') return 1;
  if (value === false || value === 'false') return false;
  if (/^\d+$/.test(String(value))) {
    const hops = checkNumber(source, { kind: 'integer', minimum: 0, maximum: 32 }, value);
    return hops === 0 ? false : hops;
  }
  const networks = Array.isArray(value)
    ? value
    : String(value)
        .split(',')
        .map(network => network.trim());
  try {
    compile(networks as string[]);
  } catch {
    throw new ConfigError(
      `${source} must be a number of proxies or their networks, such as 10.0.0.0/8,loopback, not ${JSON.stringify(value)}`,
    );
  }
  return networks as string[];
}

const DAY = 24 * 3600;
const MiB = 1024 * 1024;

/** Options of the HTTP server. */
export const serverOptions = {
  host: text('127.0.0.1', 'Address to listen on'),
  port: integerOption(8000, 'Port to listen on; 0 selects a free one', 'PORT', 0, 65_535),
  mode: text('auto', 'open: no keys needed; keyed: keys needed; auto: open on a loopback address only', {
    choices: ['auto', 'open', 'keyed'],
  }),
  logLevel: text('info', 'How much to log', {
    choices: ['silent', 'fatal', 'error', 'warn', 'info', 'debug', 'trace'],
  }),
  logFormat: text(
    'auto',
    'json: one object for each line; pretty: readable text; auto: pretty on a terminal, json elsewhere',
    { choices: ['auto', 'pretty', 'json'] },
  ),
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
    default: false as Proxies,
    about:
      'Take the client address from X-Forwarded-For behind this many proxies in a row, or behind proxies in these networks',
    unit: 'HOPS|NETWORKS',
    read: readProxies,
  },
  connectionsPerAddress: integerOption(
    1_000,
    'Connections of one address at once; this machine and trusted proxies may have more',
    'NUMBER',
    1,
    1_000_000,
  ),
  bodySeconds: numberOption(60, 'How long a request body may take to arrive', 'SECONDS', 0.05, 3600),
  bodyMemory: integerOption(256, 'Memory for large bodies that are still arriving', 'MIB', 1, 102_400),
  bodyLimit: integerOption(MiB, 'Largest request body', 'BYTES', 1024, 1024 * MiB),
  drainSeconds: integerOption(30, 'How long a stop waits for requests in flight', 'SECONDS', 0, 3600),
  stopDelaySeconds: integerOption(
    0,
    'How long a stop goes on serving while /health/ready fails, so that a proxy sends requests elsewhere',
    'SECONDS',
    0,
    600,
  ),
  uploadSeconds: integerOption(
    3600,
    'How long the upload of a file may take, without pauses longer than --body-seconds',
    'SECONDS',
    1,
    DAY,
  ),
} as const satisfies OptionTable;

export type ServerConfig = ValuesOf<typeof serverOptions>;
