import { consistencyProof, type NodeReader, verifyConsistency } from '@aitbc/tlog';

/** A tree, or a checkpoint of it. */
export interface TreeHead {
  size: number;
  /** hex */
  root: string;
}

/**
 * The ledger in the store contradicts what was signed before. To sign it would show a second history to everyone, so it is
 * not published until the store has the first one again. The message says what to do.
 */
export class LedgerConflict extends Error {
  override name = 'LedgerConflict';
}

const WHAT_TO_DO =
  'Bring back the newest store, or let the database fail over to the copy that has all of it. Where that is lost for good, stop all coordinators and start a new ledger with `aitbc restore`';

/**
 * Holds a tree of the store to a checkpoint that was signed before.
 *
 * @param what names the checkpoint
 * @throws {LedgerConflict} where the tree does not begin with that of the checkpoint
 */
export async function requireExtension(
  signed: TreeHead,
  tree: TreeHead,
  nodes: NodeReader,
  what: string,
): Promise<void> {
  if (tree.size < signed.size) {
    throw new LedgerConflict(
      `The ledger in the store has ${tree.size} entries, but ${what} is over ${signed.size}. The store may be an old backup, or a standby that lagged: to go on from it would rewrite what others have seen. ${WHAT_TO_DO}`,
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
    `The ledger in the store has other entries than ${what}, over ${signed.size} of them, says: it is not the store that was published from. ${WHAT_TO_DO}`,
  );
}
