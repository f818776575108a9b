import type { StartOptions } from './config.ts';
import { startCoordinator as start } from './coordinator.ts';

export { ConfigError, OPTIONS, type OptionName } from './config.ts';
export { VERSION } from './version.ts';
export type { StartOptions };

/*
 * What the package `aitbc` shows of the coordinator to programs that run one within themselves, as `aitbc/coordinator`.
 */

/** A coordinator that serves. */
export interface Coordinator {
  /** Where it listens: `http://127.0.0.1:8000`. */
  readonly url: string;
  /** Stops accepting, finishes what is in flight, closes the store. */
  close(): Promise<void>;
}

/**
 * Starts a coordinator with the options of `aitbc serve`, in camel case.
 *
 * @throws {ConfigError} for options that do not fit
 */
export const startCoordinator: (options?: StartOptions) => Promise<Coordinator> = start;
