import type { Restore } from '@aitbc/protocol';
import { isRestore, type TrustedKey, verifyEntry } from '@aitbc/receipts';
import { AitbcError, CoordinatorClient, openLedger } from '@aitbc/sdk';
import { formatVkey, parseVkey, TlogError, type VerifierKey } from '@aitbc/tlog';
import { logAlone } from '../checkpoint-checks.ts';
import type { Io } from '../io.ts';
import { count, describeRestore } from './audit-tree.ts';
import type { Earlier } from './history.ts';
import type { NamedLedger } from './open-ledger.ts';

const LEDGER = '/ledger';

/** A ledger that replaces the known one after a restore. */
export interface Successor {
  named: NamedLedger;
  vkey: string;
  restore: Restore;
}

/**
 * Checks whether the served ledger succeeds the known one: it has the same key under another name, and its
 * first entry is a restore that names the known ledger, signed by a trusted key.
 *
 * @returns null when it does not
 */
export async function findSuccessor(
  { url, policy }: NamedLedger,
  { io, keys, signal }: { io: Io; keys: readonly TrustedKey[] | null; signal: AbortSignal },
): Promise<Successor | null> {
  try {
    if (!url.endsWith(LEDGER)) return null;
    const client = new CoordinatorClient(url.slice(0, -LEDGER.length), io.client);
    const vkey = await client.ledger.vkey({ signal });
    const key = parseVkey(vkey);
    const known = policy.logs.find(log => isUnderAnotherName(log.key, key));
    if (!known) return null;
    const next = { ...policy, logs: [{ key }] };
    const ledger = openLedger(url, { ...io.client, policy: logAlone(next) });
    const tree = ledger.tree(await ledger.checkpoint({ signal }));
    const { statement } = await verifyEntry(await tree.entry(0, { signal }), keys ? { keys } : {});
    if (!statement || !isRestore(statement) || !names(statement, known.key.name)) return null;
    return { named: { url, policy: next, ledger }, vkey: formatVkey(key), restore: statement };
  } catch (error) {
    if (error instanceof AitbcError || error instanceof TlogError || error instanceof RangeError) return null;
    throw error;
  }
}

const isUnderAnotherName = (known: VerifierKey, key: VerifierKey) =>
  known.publicKey === key.publicKey && known.type === key.type && known.name !== key.name;

const names = ({ previous, newest }: Restore, origin: string) =>
  previous.origin === origin || newest?.origin === origin;

/**
 * Describes what was cut, by the restore and by the earlier checkpoints.
 *
 * @param earlier checkpoints of the previous ledger
 */
export function describeSuccessor({ restore, vkey }: Successor, earlier: readonly Earlier[]): string {
  const { previous, ledger } = restore;
  const seen = earlier
    .filter(({ checkpoint }) => checkpoint.origin === previous.origin)
    .map(({ checkpoint }) => checkpoint.size);
  const most = Math.max(0, ...seen);
  const cut = most - previous.tree_size;
  const lost =
    cut > 0
      ? ` Of the entries seen here, ${count(cut, 'entry', 'entries')} from ${previous.tree_size} on ${cut === 1 ? 'is' : 'are'} cut.`
      : '';
  const isOther = earlier.some(
    ({ checkpoint: { origin, size, root } }) =>
      origin === previous.origin &&
      size === previous.tree_size &&
      Buffer.from(root).toString('base64') !== previous.root_hash,
  );
  const contradicts = isOther
    ? ' It names another tree of that size than the signed one, so it contradicts the previous ledger.'
    : '';
  return `${ledger} is a new ledger: ${describeRestore(restore)}.${lost}${contradicts} Its key: --vkey '${vkey}'`;
}
