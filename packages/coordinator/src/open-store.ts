import type { Config } from './config.ts';
import { WRITE_PLAN } from './operations.ts';
import { type OpenOptions, openEngine } from './store/open.ts';
import type { Store } from './store/store.ts';

/**
 * Opens the configured store for the operations of all modules.
 *
 * @throws {ConfigError} where the database can't be used
 */
export async function openStore(
  config: Config,
  now: (() => number) | undefined,
  options: Omit<OpenOptions, 'plan'> = {},
): Promise<Store> {
  return await openEngine(config, now, { ...options, plan: WRITE_PLAN });
}
