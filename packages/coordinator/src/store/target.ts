import { asConfigError, type EngineConfig, engineOf } from './engine.ts';
import type { Target } from './transfer/database.ts';
import { openTarget } from './transfer/transfer.ts';

export type { Target as StoreTarget };

/**
 * Brings the configured database up to date and opens it for one transaction over all of its rows. No coordinator can
 * write to it meanwhile. Rejects with ConfigError where the database can't be used.
 */
export async function openStoreTarget(config: EngineConfig): Promise<Target> {
  const engine = engineOf(config);
  return await asConfigError(engine, openTarget(engine));
}
