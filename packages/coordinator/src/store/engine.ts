import { ConfigError } from '../option.ts';
import type { StoreConfig } from './options.ts';
import { reasonOf } from './unavailable.ts';

/** The engine that a configuration names, with what it takes to connect. */
export type Engine =
  | { name: 'sqlite'; data: string }
  | { name: 'postgres'; url: string; poolSize: number; timeoutMs: number };

export type EngineConfig = Pick<
  StoreConfig,
  'data' | 'databaseUrl' | 'databasePoolSize' | 'databaseTimeoutSeconds'
>;

/** SQLite in the data folder unless a URL says otherwise. Throws ConfigError. */
export function engineOf(config: EngineConfig): Engine {
  const { data, databaseUrl: url, databasePoolSize: poolSize, databaseTimeoutSeconds } = config;
  if (url === undefined || url.startsWith('sqlite:')) return { name: 'sqlite', data };
  if (/^postgres(ql)?:/.test(url))
    return { name: 'postgres', url, poolSize, timeoutMs: databaseTimeoutSeconds * 1000 };
  const scheme = url.split(':')[0];
  throw new ConfigError(
    `--database-url: this coordinator knows no ${scheme} database; it may be postgres://…, or left out for SQLite in --data`,
  );
}

/** What opens the engine's database. Rejects with ConfigError, which names the option that leads there. */
export async function usable<T>(engine: Engine, opening: Promise<T>): Promise<T> {
  const option = engine.name === 'sqlite' ? `--data ${engine.data}` : '--database-url';
  return await opening.catch((error: Error) => {
    throw new ConfigError(`${option} can't be used: ${reasonOf(error)}`, { cause: error });
  });
}

/** What is in the way of a writer is in the configuration, as all else has been tried before. */
export function unusable(error: Error): never {
  throw new ConfigError(reasonOf(error), { cause: error });
}
