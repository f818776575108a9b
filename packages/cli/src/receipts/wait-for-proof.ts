import type { CoordinatorClient } from '@aitbc/sdk';
import type { Command } from 'commander';
import { integerFrom } from '../arguments.ts';
import { Interruption } from '../failure.ts';
import type { Io } from '../io.ts';
import { proofsOf } from './evidence.ts';

const DEFAULT_SECONDS = 60;

/** Adds `--wait`, in seconds. */
export function waitOption(command: Command): Command {
  return command.option(
    '--wait [seconds]',
    `wait until the ledger has published it, ${DEFAULT_SECONDS} s by default`,
    text => integerFrom(1)(text),
  );
}

/** Returns the flag in seconds; undefined when it is not given. */
export const waitSeconds = (wait: number | true | undefined) => (wait === true ? DEFAULT_SECONDS : wait);

/** Fetches the `.tlog-proof` of a statement. It waits up to `seconds`, or not at all. */
export async function getProof(
  client: CoordinatorClient,
  receiptId: string,
  seconds: number | undefined,
  io: Io,
): Promise<string> {
  const proofs = proofsOf(client, receiptId);
  if (seconds === undefined) return await proofs.proof(receiptId);
  const interrupted = new AbortController();
  const unsubscribe = io.onInterrupt(() =>
    interrupted.abort(new Interruption('Stopped waiting for the ledger.')),
  );
  const spinner = io.spinner(`Waiting until the ledger has published ${receiptId}`);
  try {
    const options = { timeout: seconds * 1000, signal: interrupted.signal };
    return await proofs.waitForProof(receiptId, options);
  } finally {
    spinner.stop();
    unsubscribe();
  }
}
