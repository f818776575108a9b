import { ConfigError } from '../option.ts';
import type { StoreConfig } from './options.ts';
import { messageWithCauses } from './unavailable.ts';

/** A database engine with the settings that it needs to connect. */
export type DatabaseEngine =
  | { name: 'sqlite'; data: string }
  | { name: 'postgres'; url: string; poolSize: number; timeoutMs: number };

export type EngineConfig = Pick<
  StoreConfig,
  'data' | 'databaseUrl' | 'databasePoolSize' | 'databaseTimeoutSeconds'
>;

/**
 * The engine that a configuration names: SQLite in the data folder unless there is a URL.
 *
 * @throws {ConfigError} where the URL names neither SQLite nor PostgreSQL
 */
export function engineOf(config: EngineConfig): DatabaseEngine {
  const { data, databaseUrl: url, databasePoolSize: poolSize, databaseTimeoutSeconds } = config;
  if (url === undefined || url.startsWith('sqlite:')) return { name: 'sqlite', data };
  if (/^postgres(ql)?:/.test(url))
    return { name: 'postgres', url, poolSize, timeoutMs: databaseTimeoutSeconds * 1000 };
  const scheme = url.split(':')[0];
  throw new ConfigError(
    `--database-url: this coordinator has no support for ${scheme} databases; use postgres://…, or leave the option out to use SQLite in --data`,
  );
}

/** Resolves as `opening` does, and turns its rejection into a ConfigError that names the engine's option. */
export async function asConfigError<T>(engine: DatabaseEngine, opening: Promise<T>): Promise<T> {
  const option = engine.name === 'sqlite' ? `--data ${engine.data}` : '--database-url';
  return await opening.catch((error: Error) => {
    throw new ConfigError(`${option} can't be used: ${messageWithCauses(error)}`, { cause: error });
  });
}
