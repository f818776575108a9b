/** The form of an option's value. */
type Kind =
  | 'text'
  | 'integer'
  | 'number'
  | 'switch'
  | 'rates'
  | 'witnesses'
  | 'proxies'
  | 'tiers'
  | 'aliases'
  | 'networks';

/** One option of the coordinator, whose values are of the type `V`. */
export interface Option<V = unknown> {
  kind: Kind;
  default: V;
  about: string;
  /** Stands for the value in `--help`: `SECONDS`. */
  unit?: string;
  minimum?: number;
  maximum?: number;
  choices?: readonly string[];
  /** Whether the value must be printable ASCII, since receipts contain it. */
  ascii?: boolean;
  /**
   * Returns the value as administrators may see it, for options whose values may have secrets.
   */
  withoutSecrets?(value: V): unknown;
  /**
   * Reads a value of a special kind, from any source.
   *
   * @param source names the source in errors: `--port`
   * @throws {ConfigError} where the value can't be used
   */
  read?(source: string, value: unknown): V;
}

/** Options by name. `fooBar` is `--foo-bar`, `AITBC_FOO_BAR` and `foo_bar` in the configuration file. */
export type OptionTable = Readonly<Record<string, Option>>;

type ValueOf<O> = O extends Option<infer V> ? V : never;

/** The names of options that may have no value. */
type Optional<T extends OptionTable> = {
  [N in keyof T]: undefined extends ValueOf<T[N]> ? N : never;
}[keyof T];

/** The configuration that a table of options describes. */
export type ValuesOf<T extends OptionTable> = {
  readonly [N in Exclude<keyof T, Optional<T>>]: ValueOf<T[N]>;
} & { readonly [N in Optional<T>]?: Exclude<ValueOf<T[N]>, undefined> };

type TextDetails = Pick<Option, 'unit' | 'choices' | 'ascii'> & Pick<Option<string>, 'withoutSecrets'>;

export const text = (value: string, about: string, details: TextDetails = {}): Option<string> => ({
  kind: 'text',
  default: value,
  about,
  ...details,
});

export const optionalText = (about: string, details: TextDetails = {}): Option<string | undefined> => ({
  kind: 'text',
  default: undefined,
  about,
  ...details,
});

export const integerOption = (
  value: number,
  about: string,
  unit: string,
  minimum: number,
  maximum: number,
): Option<number> => ({ kind: 'integer', default: value, about, unit, minimum, maximum });

export const numberOption = (
  value: number,
  about: string,
  unit: string,
  minimum: number,
  maximum: number,
): Option<number> => ({ kind: 'number', default: value, about, unit, minimum, maximum });

export const toggle = (about: string): Option<boolean> => ({ kind: 'switch', default: false, about });

/** A value that can't be used. The message names the option and the source. */
export class ConfigError extends Error {
  override name = 'ConfigError';
}

/**
 * Checks a value from any source, and converts text to the option's type.
 *
 * @param source names the source in errors: `--port`
 * @throws {ConfigError} where the value can't be used
 */
export function checkOption(source: string, option: Option, value: unknown): unknown {
  if (option.read) return option.read(source, value);
  if (option.kind === 'switch') return checkSwitch(source, value);
  return option.kind === 'text' ? checkText(source, option, value) : checkNumber(source, option, value);
}

function checkSwitch(source: string, value: unknown): boolean {
  if (value === true || value === 'true' || value === '1') return true;
  if (value === false || value === 'false' || value === '0') return false;
  throw new ConfigError(`${source} must be true or false, not ${JSON.stringify(value)}`);
}

function checkText(source: string, option: Option, value: unknown): string {
  if (typeof value !== 'string' || value === '') throw new ConfigError(`${source} must be a text`);
  if (option.ascii && !/^[\x20-\x7e]+$/.test(value)) {
    throw new ConfigError(`${source} must have printable ASCII characters only, since receipts contain it`);
  }
  if (option.choices && !option.choices.includes(value)) {
    throw new ConfigError(
      `${source} must be one of ${option.choices.join(', ')}, not ${JSON.stringify(value)}`,
    );
  }
  return value;
}

/** @throws {ConfigError} */
export function checkNumber(
  source: string,
  { kind = 'number', minimum = -Infinity, maximum = Infinity }: Partial<Option>,
  value: unknown,
): number {
  const parsed = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  const whole = kind === 'integer';
  if (typeof parsed !== 'number' || !Number.isFinite(parsed) || (whole && !Number.isInteger(parsed))) {
    throw new ConfigError(`${source} must be a ${whole ? 'whole ' : ''}number, not ${JSON.stringify(value)}`);
  }
  if (parsed < minimum || parsed > maximum) {
    throw new ConfigError(`${source} must be from ${minimum} to ${maximum}, not ${parsed}`);
  }
  return parsed;
}
