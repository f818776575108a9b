import { compile } from '@fastify/proxy-addr';
import { parseWitnesses } from './ledger/witness-options.ts';
import { readTiers, type Tiers } from './limits/tiers.ts';

/** What can be configured, by the form of its value. */
export type Kind = 'text' | 'integer' | 'number' | 'switch' | 'rates' | 'witnesses' | 'proxies' | 'tiers';

export interface Option<K extends Kind = Kind> {
  kind: K;
  default: K extends 'text'
    ? string | undefined
    : K extends 'switch'
      ? boolean
      : K extends 'rates'
        ? Rates
        : K extends 'tiers'
          ? Tiers
          : K extends 'witnesses'
            ? readonly string[]
            : K extends 'proxies'
              ? Proxies
              : number;
  about: string;
  /** What the value is, in `--help`: `SECONDS`. */
  unit?: string;
  minimum?: number;
  maximum?: number;
  choices?: readonly string[];
  /** Printable ASCII only: it stands in receipts. */
  ascii?: boolean;
}

/** Credits for a unit of each model. */
export type Rates = Readonly<Record<string, number>>;

/** Proxies that are trusted: none, so many in a row, or those in these networks. */
export type Proxies = boolean | number | readonly string[];

/** A value that can't be used: the message names the option as it was given. */
export class ConfigError extends Error {
  override name = 'ConfigError';
}

/**
 * The value of an option, of whatever its source has.
 *
 * @param source where it is given: `--port`
 * @throws {ConfigError}
 */
export function checkOption(source: string, option: Option, value: unknown): unknown {
  switch (option.kind) {
    case 'switch':
      return checkSwitch(source, value);
    case 'rates':
      return checkRates(source, value);
    case 'tiers':
      return checkTiers(source, value);
    case 'witnesses':
      return checkWitnesses(source, value);
    case 'proxies':
      return checkProxies(source, value);
    case 'text':
      return checkText(source, option, value);
    default:
      return checkNumber(source, option, value);
  }
}

function checkSwitch(source: string, value: unknown): boolean {
  if (value === true || value === 'true' || value === '1') return true;
  if (value === false || value === 'false' || value === '0') return false;
  throw new ConfigError(`${source} must be true or false, not ${JSON.stringify(value)}`);
}

function checkText(source: string, option: Option, value: unknown): string {
  if (typeof value !== 'string' || value === '') throw new ConfigError(`${source} must be a text`);
  if (option.ascii && !/^[\x20-\x7e]+$/.test(value)) {
    throw new ConfigError(`${source} must be of printable ASCII characters, since it stands in receipts`);
  }
  if (option.choices && !option.choices.includes(value)) {
    throw new ConfigError(
      `${source} must be one of ${option.choices.join(', ')}, not ${JSON.stringify(value)}`,
    );
  }
  return value;
}

function checkNumber(source: string, option: Option, value: unknown): number {
  const parsed = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  const { minimum = -Infinity, maximum = Infinity } = option;
  const whole = option.kind === 'integer';
  if (typeof parsed !== 'number' || !Number.isFinite(parsed) || (whole && !Number.isInteger(parsed))) {
    throw new ConfigError(`${source} must be a ${whole ? 'whole ' : ''}number, not ${JSON.stringify(value)}`);
  }
  if (parsed < minimum || parsed > maximum) {
    throw new ConfigError(`${source} must be from ${minimum} to ${maximum}, not ${parsed}`);
  }
  return parsed;
}

/** An object in the configuration file, JSON elsewhere. */
function checkTiers(source: string, value: unknown): Tiers {
  try {
    return readTiers(typeof value === 'string' ? JSON.parse(value) : value);
  } catch (error) {
    throw new ConfigError(
      `${source} ${error instanceof SyntaxError ? 'must be JSON' : (error as Error).message}`,
    );
  }
}

function checkRates(source: string, value: unknown): Rates {
  const wrong = (): never => {
    throw new ConfigError(`${source} must be MODEL=CREDITS,…, not ${JSON.stringify(value)}`);
  };
  const pairs: [string, unknown][] =
    typeof value === 'string'
      ? value
          .split(',')
          .map(pair => /^(.*)=(.*)$/.exec(pair) ?? wrong())
          .map(([, model = '', rate]) => [model, rate])
      : Object.entries(isPlainObject(value) ? value : wrong());
  return Object.fromEntries(
    pairs.map(([model, rate]) => {
      if (!model) wrong();
      return [
        model,
        checkNumber(
          `${source} (${model})`,
          { kind: 'number', default: 0, about: '', minimum: 0, maximum: 1e6 },
          rate,
        ),
      ];
    }),
  );
}

/** In the environment with spaces between them, which neither addresses nor keys have. */
function checkWitnesses(source: string, value: unknown): readonly string[] {
  const texts = typeof value === 'string' ? value.trim().split(/\s+/) : value;
  if (!Array.isArray(texts) || !texts.every(text => typeof text === 'string')) {
    throw new ConfigError(`${source} must be URL=VKEY, not ${JSON.stringify(value)}`);
  }
  try {
    parseWitnesses(texts);
  } catch (error) {
    throw new ConfigError(`${source} ${(error as Error).message}`);
  }
  return texts;
}

/** `true` is what a proxy in front was called before there were numbers: one. */
function checkProxies(source: string, value: unknown): Proxies {
  if (value === true || value === 'true') return 1;
  if (value === false || value === 'false') return false;
  if (/^\d+$/.test(String(value))) {
    const hops = checkNumber(
      source,
      { kind: 'integer', default: 0, about: '', minimum: 0, maximum: 32 },
      value,
    );
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

const isPlainObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
