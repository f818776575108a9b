import { CoordinatorClient, type Ledger, openLedger } from '@aitbc/sdk';
import { type Policy, parseVkey } from '@aitbc/tlog';
import type { Command } from 'commander';
import { logAlone } from '../checkpoint-checks.ts';
import { coordinatorUrl, wantsJson } from '../connection.ts';
import { UsageError } from '../failure.ts';
import type { Io } from '../io.ts';
import { note } from '../output.ts';
import { policyOf, readTrust, type TrustFlags } from '../trust.ts';

const LEDGER = '/ledger';

/** A ledger to read. */
export interface NamedLedger {
  url: string;
  /** A reader that only demands the log's signature. Witnesses are checked separately. */
  ledger: Ledger;
  /** The signatures that checkpoints need. */
  policy: Policy;
}

/**
 * Opens the ledger that the command line names, or the coordinator's.
 *
 * @throws {UsageError} for an invalid address, or when no key is given and the ledger can not be asked for
 * its own
 */
export async function openNamed(
  named: string | undefined,
  { flags, command, io }: { flags: TrustFlags; command: Command; io: Io },
): Promise<NamedLedger> {
  const given = (named ?? `${coordinatorUrl(command, io).replace(/\/+$/, '')}${LEDGER}`).replace(/\/+$/, '');
  if (!/^https?:$/.test(URL.parse(given)?.protocol ?? '')) {
    throw new UsageError(
      `"${given}" is not the address of a ledger, such as https://coordinator.example/ledger`,
    );
  }
  const url = given.endsWith(LEDGER) || !(await isCoordinator(given, io)) ? given : given + LEDGER;
  const policy = (await readTrust(flags)) ?? (await askForKey(url, command, io));
  return { url, policy, ledger: openLedger(url, { ...io.client, policy: logAlone(policy) }) };
}

/** Whether the address is a coordinator's, whose ledger is below it. Other logs have nothing there. */
async function isCoordinator(url: string, io: Io): Promise<boolean> {
  const client = new CoordinatorClient(url, { ...io.client, maxRetries: 0 });
  return await client.ledger.vkey().then(
    () => true,
    () => false,
  );
}

async function askForKey(url: string, command: Command, io: Io): Promise<Policy> {
  if (!url.endsWith(LEDGER)) {
    throw new UsageError(`The key of ${url} is needed: --vkey or --policy.`);
  }
  const vkey = await new CoordinatorClient(url.slice(0, -LEDGER.length), io.client).ledger.vkey();
  const policy = policyOf(parseVkey(vkey));
  if (!wantsJson(command))
    note(io, `The key comes from the ledger itself. To use the same key next time: --vkey '${vkey}'`);
  return policy;
}
