import { type Config, ConfigError } from '../config.ts';
import { openSqliteStore } from './sqlite/store.ts';
import type { Store } from './store.ts';

/** Opens the engine that the configuration names: SQLite in the data folder unless a URL says otherwise. */
export async function openStore(config: Config, now: () => number): Promise<Store> {
  const url = config.databaseUrl;
  if (url === undefined || url.startsWith('sqlite:')) {
    return await openSqliteStore({ data: config.data, now, maxBatch: config.maxBatch });
  }
  const scheme = url.split(':')[0];
  throw new ConfigError(
    `--database-url: this coordinator knows no ${scheme} database; leave the option out for SQLite in --data`,
  );
}
