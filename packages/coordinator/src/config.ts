import { readFileSync } from 'node:fs';
import type { LogStream, ReadableLog } from './log-output.ts';
import { MODULES, type Options } from './modules.ts';
import { ConfigError, checkOption, type Option, type OptionTable, type ValuesOf } from './option.ts';

export { ConfigError } from './option.ts';

/**
 * The options of all modules. `fooBar` is `--foo-bar` on the command line, `AITBC_FOO_BAR` in the environment and
 * `foo_bar` in the configuration file. The first of these that is given counts.
 */
export const OPTIONS: Options = Object.assign({}, ...MODULES.map(({ options }): OptionTable => options));

export type OptionName = keyof Options;

export type Config = ValuesOf<Options>;

export const flagOf = (name: string) => `--${name.replace(/[A-Z]/g, letter => `-${letter.toLowerCase()}`)}`;
export const variableOf = (name: string) =>
  `AITBC_${name.replace(/[A-Z]/g, letter => `_${letter}`).toUpperCase()}`;
const settingOf = (name: string) => variableOf(name).slice('AITBC_'.length).toLowerCase();

export interface ConfigSources {
  /** Values from the command line, or from a program that starts the coordinator. */
  given?: Partial<Record<OptionName, unknown>>;
  env?: Readonly<Record<string, string | undefined>>;
  /** Path of a JSON file. */
  file?: string | undefined;
}

/** How a coordinator is started: options, which go before the environment and a file. */
export interface StartOptions extends Partial<Config> {
  env?: ConfigSources['env'];
  /** Path of a JSON file with options. */
  configFile?: string;
  /** Milliseconds since the epoch. The database's clock where coordinators share one, unless given. */
  now?: () => number;
  /** Where log lines go, as JSON; standard output unless given. */
  logStream?: LogStream;
  /** Turns the lines into text for people and prints it. Without it, all formats are JSON. */
  readableLog?: ReadableLog;
  /** Whether it does by itself what time brings about, at intervals; where not, only `sweep` and `publish` do. Unless given, it does. */
  background?: boolean;
}

/**
 * Reads and checks the configuration.
 *
 * @throws {ConfigError} where a value, a name or the file can't be used
 */
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
