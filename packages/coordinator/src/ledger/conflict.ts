import { consistencyProof, type NodeReader, verifyConsistency } from '@aitbc/tlog';

/** The size and the root of a Merkle tree. */
export interface LedgerHead {
  size: number;
  /** hex */
  root: string;
}

/**
 * The ledger in the store contradicts a checkpoint that was signed before. Signing it would publish a second history, so
 * the ledger is not published until the store has the first history again. The message says what to do.
 */
export class LedgerConflict extends Error {
  override name = 'LedgerConflict';
}

const WHAT_TO_DO =
  'Bring back the newest store, or let the database fail over to the copy that has all of it. Where that is lost for good, stop all coordinators and start a new ledger with `aitbc restore`';

/**
 * Checks that a tree of the store extends one that was signed before.
 *
 * @param checkpointName names the signed checkpoint in the error's message
 * @throws {LedgerConflict} where the tree does not begin with the signed one
 */
export async function requireExtension(
  signed: LedgerHead,
  tree: LedgerHead,
  nodes: NodeReader,
  checkpointName: string,
): Promise<void> {
  if (tree.size < signed.size) {
    throw new LedgerConflict(
      `The ledger in the store has ${tree.size} entries, but ${checkpointName} is over ${signed.size}. The store may be an old backup, or a standby that lagged: to go on from it would rewrite what others have seen. ${WHAT_TO_DO}`,
    );
  }
  const isConsistent = verifyConsistency({
    from: signed.size,
    to: tree.size,
    fromRoot: Buffer.from(signed.root, 'hex'),
    toRoot: Buffer.from(tree.root, 'hex'),
    proof: await consistencyProof(signed.size, tree.size, nodes),
  });
  if (isConsistent) return;
  throw new LedgerConflict(
    `The ledger in the store has other entries than ${checkpointName}, over ${signed.size} of them, says: it is not the store that was published from. ${WHAT_TO_DO}`,
  );
}
