import type { Config } from '../config.ts';
import { engineOf, usable } from './engine.ts';
import { openPostgresStore } from './postgres/store.ts';
import { lockFolder } from './sqlite/lock.ts';
import { createSqliteStore } from './sqlite/store.ts';
import { openWriter } from './sqlite/writer.ts';
import { startWriterThread } from './sqlite/writer-thread.ts';
import type { Store } from './store.ts';

export interface OpenOptions {
  /** Program of a thread that writes, where the engine gains from one; this thread writes unless given. */
  writerThread?: URL;
  /** Refuse a data folder that a coordinator runs on. */
  alone?: boolean;
}

/**
 * Opens the engine that the configuration names, and brings its schema up to date. Throws ConfigError.
 *
 * @param now milliseconds since the epoch; the engine's own clock unless given
 */
export async function openStore(
  config: Config,
  now: (() => number) | undefined,
  { writerThread, alone = false }: OpenOptions = {},
): Promise<Store> {
  const engine = engineOf(config);
  const { maxBatch } = config;
  if (engine.name === 'postgres')
    return await usable(engine, openPostgresStore({ ...engine, now, maxBatch }));
  const { data } = engine;
  const open = async () => {
    const lock = alone ? lockFolder(data) : undefined;
    const writer = await (writerThread ? startWriterThread(writerThread, config) : openWriter(data));
    return createSqliteStore({ data, writer, lock, now: now ?? Date.now, maxBatch });
  };
  return await usable(engine, open());
}
