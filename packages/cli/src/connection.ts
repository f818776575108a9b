import { CoordinatorClient } from '@aitbc/sdk';
import type { Command } from 'commander';
import { UsageError } from './failure.ts';
import type { Io } from './io.ts';

export const DEFAULT_COORDINATOR = 'http://127.0.0.1:8000';

/** The options that every command has. */
export interface GlobalOptions {
  coordinator?: string;
  apiKey?: string;
  json?: boolean;
}

/** Creates a client of the coordinator from the flags or the environment. */
export function clientFor(command: Command, io: Io): CoordinatorClient {
  const { apiKey } = command.optsWithGlobals<GlobalOptions>();
  const url = coordinatorUrl(command, io);
  try {
    return new CoordinatorClient(url, { ...io.client, apiKey: apiKey ?? io.env.AITBC_API_KEY ?? null });
  } catch {
    throw new UsageError(`"${url}" is not the URL of a coordinator, such as ${DEFAULT_COORDINATOR}`);
  }
}

/** Whether an API key is given. */
export function hasKey(command: Command, io: Io): boolean {
  const { apiKey } = command.optsWithGlobals<GlobalOptions>();
  return Boolean(apiKey ?? io.env.AITBC_API_KEY);
}

export function coordinatorUrl(command: Command, io: Io): string {
  const { coordinator } = command.optsWithGlobals<GlobalOptions>();
  return coordinator ?? (io.env.AITBC_COORDINATOR || DEFAULT_COORDINATOR);
}

export function wantsJson(command: Command): boolean {
  return command.optsWithGlobals<GlobalOptions>().json === true;
}
