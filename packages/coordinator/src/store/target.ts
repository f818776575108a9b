import { type EngineConfig, engineOf, usable } from './engine.ts';
import type { Target } from './transfer/database.ts';
import { openTarget } from './transfer/transfer.ts';

export type { Target as StoreTarget };

/**
 * Opens the database that the configuration names for one transaction over all of it, brought up to date and kept from
 * coordinators. Rejects with ConfigError.
 */
export async function openStoreTarget(config: EngineConfig): Promise<Target> {
  const engine = engineOf(config);
  return await usable(engine, openTarget(engine));
}
