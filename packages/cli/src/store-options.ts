import { type Config, ConfigError, type OptionName, readConfig } from '@aitbc/coordinator';
import type { Command } from 'commander';
import { addConfigOptions } from './commands/serve.ts';
import { UsageError } from './failure.ts';
import type { Io } from './io.ts';

export type StoreFlags = Partial<Record<OptionName, unknown>> & { config?: string };

/** Adds the options that locate a coordinator's data, for commands that work on it directly. */
export function onStore(command: Command, more: readonly OptionName[] = []): Command {
  command.option('--config <file>', 'configuration file of the coordinator (env AITBC_CONFIG)');
  addConfigOptions(command, ['data', 'databaseUrl', ...more]);
  return command;
}

/** Runs `work` with the configuration of the coordinator whose data the flags locate. */
export async function withConfig<T>(
  { config: file = undefined, ...given }: StoreFlags,
  io: Io,
  work: (config: Config) => Promise<T>,
): Promise<T> {
  try {
    return await work(readConfig({ given, env: io.env, file: file ?? io.env.AITBC_CONFIG }));
  } catch (error) {
    throw error instanceof ConfigError ? new UsageError(error.message) : error;
  }
}
