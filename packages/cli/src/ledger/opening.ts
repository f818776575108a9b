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

/** A ledger to look at. */
export interface NamedLedger {
  url: string;
  /** Opens what the log itself has signed: its witnesses are looked at apart. */
  ledger: Ledger;
  /** Whom to believe. */
  policy: Policy;
}

/**
 * The ledger that the command line names, or else the coordinator's.
 *
 * @throws {UsageError} for what is no address, or where it is not said whom to believe and can't be asked
 */
export async function openNamed(
  named: string | undefined,
  { flags, command, io }: { flags: TrustFlags; command: Command; io: Io },
): Promise<NamedLedger> {
  const given = (named ?? `${coordinatorUrl(command, io).replace(/\/+$/, '')}${LEDGER}`).replace(/\/+$/, '');
  if (!/^https?:$/.test(URL.parse(given)?.protocol ?? '')) {
    throw new UsageError(
      `"${given}" is not the address of a ledger: it looks like https://coordinator.example/ledger`,
    );
  }
  const url = given.endsWith(LEDGER) || !(await isCoordinator(given, io)) ? given : given + LEDGER;
  const policy = (await readTrust(flags)) ?? (await askForKey(url, command, io));
  return { url, policy, ledger: openLedger(url, { ...io.client, policy: logAlone(policy) }) };
}

/** Whoever follows a ledger may give the address of its coordinator. Other logs have nothing there. */
async function isCoordinator(url: string, io: Io): Promise<boolean> {
  const client = new CoordinatorClient(url, { ...io.client, maxRetries: 0 });
  return await client.ledger.vkey().then(
    () => true,
    () => false,
  );
}

async function askForKey(url: string, command: Command, io: Io): Promise<Policy> {
  if (!url.endsWith(LEDGER)) {
    throw new UsageError(`Whom to believe about ${url}? Give --vkey with its key, or --policy.`);
  }
  const vkey = await new CoordinatorClient(url.slice(0, -LEDGER.length), io.client).ledger.vkey();
  const policy = policyOf(parseVkey(vkey));
  if (!wantsJson(command))
    note(io, `The key is the one that the ledger itself shows. To hold it to that: --vkey '${vkey}'`);
  return policy;
}
