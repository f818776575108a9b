import { type Config, ConfigError } from '../config.ts';
import { openPostgresStore } from './postgres/store.ts';
import { createSqliteStore } from './sqlite/store.ts';
import { openWriter } from './sqlite/writer.ts';
import { startWriterThread } from './sqlite/writer-thread.ts';
import type { Store } from './store.ts';

export interface OpenOptions {
  /** Program of a thread that writes, where the engine gains from one; this thread writes unless given. */
  writerThread?: URL;
}

/**
 * Opens the engine that the configuration names: SQLite in the data folder unless a URL says otherwise.
 *
 * @param now milliseconds since the epoch; the engine's own clock unless given
 */
export async function openStore(
  config: Config,
  now: (() => number) | undefined,
  { writerThread }: OpenOptions = {},
): Promise<Store> {
  const { databaseUrl, data, maxBatch } = config;
  if (databaseUrl === undefined || databaseUrl.startsWith('sqlite:')) {
    const writer = await (writerThread ? startWriterThread(writerThread, config) : openWriter(data)).catch(
      (error: Error) => {
        throw new ConfigError(`--data ${data} can't be used: ${reasonOf(error)}`);
      },
    );
    return createSqliteStore({ data, writer, now: now ?? Date.now, maxBatch });
  }
  if (!/^postgres(ql)?:/.test(databaseUrl)) {
    const scheme = databaseUrl.split(':')[0];
    throw new ConfigError(
      `--database-url: this coordinator knows no ${scheme} database; it may be postgres://…, or left out for SQLite in --data`,
    );
  }
  const { databasePoolSize: poolSize, databaseTimeoutSeconds } = config;
  const timeoutMs = databaseTimeoutSeconds * 1000;
  return await openPostgresStore({ url: databaseUrl, poolSize, timeoutMs, now, maxBatch }).catch(
    (error: Error) => {
      throw new ConfigError(`--database-url can't be used: ${reasonOf(error)}`);
    },
  );
}

const reasonOf = ({ message, cause }: Error): string =>
  cause instanceof Error ? `${message}: ${reasonOf(cause)}` : message;
