import { ConfigError, OPTIONS } from './config.ts';
import { startCoordinator as start } from './coordinator.ts';

export { VERSION } from './version.ts';

/*
 * What the package `aitbc` shows of the coordinator to programs that run one within themselves, as `aitbc/coordinator`. Its
 * types are its own: those of the modules would bring the declarations of all that is within a coordinator along.
 */

/** The options of `aitbc serve`, in camel case, of which these are the first that a program needs. */
export interface CoordinatorOptions {
  host?: string;
  /** 0 selects a free port. */
  port?: number;
  /** Folder of the database and the signing key. */
  data?: string;
  /** PostgreSQL instead of the database in the folder. */
  databaseUrl?: string;
  /** Whether requests need a key: `auto` asks for none on an address of this machine only. */
  mode?: 'auto' | 'open' | 'keyed';
  logLevel?: 'silent' | 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace';
  /** Path of a JSON file with options. */
  configFile?: string;
  env?: Readonly<Record<string, string | undefined>>;
  /** Milliseconds since the epoch; the clock of the machine, or of PostgreSQL, unless given. */
  now?: () => number;
  /** Where log lines go; standard output unless given. */
  logStream?: { write(line: string): void };
  [option: string]: unknown;
}

/** A running coordinator. */
export interface Coordinator {
  /** Where it listens: `http://127.0.0.1:8000`. */
  readonly url: string;
  /** Stops accepting requests, finishes those in progress, and closes the store. */
  close(): Promise<void>;
}

/**
 * Starts a coordinator.
 *
 * @throws {Error} named ConfigError, for options that do not fit
 */
export async function startCoordinator(options: CoordinatorOptions = {}): Promise<Coordinator> {
  const unknown = Object.keys(options).find(name => !(name in OPTIONS) && !OWN_OPTIONS.includes(name));
  if (unknown !== undefined) throw new ConfigError(`${unknown} is no option`);
  return await start(options);
}

/** Options that the command does not have. */
const OWN_OPTIONS: readonly string[] = ['configFile', 'env', 'logStream', 'now'];
