import type { CoordinatorClient, PublicKey } from '@aitbc/sdk';
import {
  type OpenCheckpoint,
  openCheckpoint,
  type Policy,
  parsePolicy,
  verifyConsistency,
} from '@aitbc/tlog';
import { equalBytes, fromBase64, toHex } from './bytes.ts';
import type { Trust } from './verify-claim.ts';

/** What this browser saw of the ledger. */
interface Seen {
  keys: readonly string[];
  policy: string;
  /** The largest tree that was seen: its size, and its root in hex. */
  size: number;
  root: string;
  at: number;
  /** The visitor decided to trust these keys and no others. */
  isPinned: boolean;
}

export interface LedgerTrust extends Trust {
  publicKeys: readonly PublicKey[];
  policyText: string;
  size: number;
  /** When this browser was here last, in ms since the epoch. Undefined on the first visit. */
  seenAt: number | undefined;
  isPinned: boolean;
  /** What contradicts the last visit. Each is an alarm. */
  alarms: readonly string[];
}

const STORED = 'aitbc.ledger';

function readSeen(): Seen | undefined {
  try {
    return JSON.parse(localStorage.getItem(STORED) ?? 'null') ?? undefined;
  } catch {
    return undefined;
  }
}

function writeSeen(seen: Seen): void {
  try {
    localStorage.setItem(STORED, JSON.stringify(seen));
  } catch {
    // Then nothing is remembered, and the page says that this is the first visit.
  }
}

/**
 * Reads whom to trust from the coordinator, and compares it with the last visit: the keys, and by a proof that the tree of
 * now continues the one of then. Pinned keys are used in place of new ones.
 */
export async function readLedgerTrust(client: CoordinatorClient): Promise<LedgerTrust> {
  const [publicKeys, policyText, newest] = await Promise.all([
    client.signingKeys.list(),
    client.ledger.policy(),
    client.explorer.blocks({ limit: 1 }).page(),
  ]);
  const seen = readSeen();
  const keyIds = publicKeys.map(({ key_id }) => key_id);
  const alarms = seen ? changesOfKeys(seen, keyIds, policyText) : [];
  const isPinned = seen?.isPinned ?? false;
  const trustedPolicy = isPinned && seen ? seen.policy : policyText;
  const policy = parsePolicy(trustedPolicy);
  const [block] = newest.items;
  const current = block && (await openNewest(client, block.height, policy));
  if (block && !current) alarms.push('The newest checkpoint is not signed by the ledger’s key.');
  if (seen && current) alarms.push(...(await forkOf(client, seen, current)));
  if (alarms.length === 0)
    writeSeen({
      ...{ keys: isPinned && seen ? seen.keys : keyIds, policy: trustedPolicy, at: Date.now(), isPinned },
      ...(current ? { size: current.size, root: toHex(current.root) } : { size: 0, root: '' }),
    });
  const keys = isPinned && seen ? publicKeys.filter(({ key_id }) => seen.keys.includes(key_id)) : publicKeys;
  return {
    ...{ keys, policy, publicKeys, policyText: trustedPolicy, alarms, isPinned },
    size: current?.size ?? 0,
    seenAt: seen?.at,
  };
}

function changesOfKeys(seen: Seen, keyIds: readonly string[], policy: string): string[] {
  const gone = seen.keys.filter(key => !keyIds.includes(key));
  const added = keyIds.filter(key => !seen.keys.includes(key));
  return [
    ...gone.map(key => `The coordinator no longer names the key ${key}, which it named at your last visit.`),
    ...(seen.isPinned
      ? added.map(key => `The coordinator names a key that you have not pinned: ${key}.`)
      : []),
    ...(logsOf(seen.policy) === logsOf(policy)
      ? []
      : ['The key of the ledger is another one than at your last visit.']),
  ];
}

const logsOf = (policy: string) =>
  policy
    .split('\n')
    .filter(line => line.startsWith('log '))
    .join('\n');

async function openNewest(
  client: CoordinatorClient,
  height: number,
  policy: Policy,
): Promise<OpenCheckpoint | undefined> {
  const { checkpoint } = await client.explorer.block(height);
  const logAlone = { ...policy, witnesses: [], groups: [], quorum: null };
  return await openCheckpoint(checkpoint, logAlone).catch(() => undefined);
}

/** Returns the alarm where the tree of now does not continue the one that was seen. */
async function forkOf(client: CoordinatorClient, seen: Seen, now: OpenCheckpoint): Promise<string[]> {
  if (seen.size === 0) return [];
  const forked = `The ledger was rewritten: it does not continue the ${seen.size} entries of your last visit.`;
  if (now.size < seen.size)
    return [`The ledger has ${now.size} entries, and had ${seen.size} at your last visit: some are gone.`];
  const fromRoot = fromHex(seen.root);
  if (now.size === seen.size) return equalBytes(fromRoot, now.root) ? [] : [forked];
  const hashes = await client.ledger.consistency(seen.size, now.size);
  const isContinued = verifyConsistency({
    ...{ from: seen.size, to: now.size, fromRoot, toRoot: now.root },
    proof: hashes.map(fromBase64),
  });
  return isContinued ? [] : [forked];
}

const fromHex = (hex: string) => Uint8Array.from(hex.match(/../g) ?? [], byte => Number.parseInt(byte, 16));

/** Remembers that these keys are to be trusted and no others, or takes that back. */
export function pinTrust(trust: LedgerTrust, isPinned: boolean): void {
  const seen = readSeen();
  if (!seen) return;
  const keys = trust.publicKeys.map(({ key_id }) => key_id);
  writeSeen({ ...seen, ...(isPinned && { keys, policy: trust.policyText }), isPinned });
}

/** Forgets the last visit, so that what the coordinator says now is what counts. */
export function forgetTrust(): void {
  try {
    localStorage.removeItem(STORED);
  } catch {
    // Nothing was remembered then.
  }
}
