import { nodeHash } from '@aitbc/tlog';

/** A step from a node of the tree to its parent. */
export interface PathStep {
  /** The side on which the sibling is. */
  side: 'left' | 'right';
  sibling: Uint8Array;
  parent: Uint8Array;
}

/** Computes the way from a leaf to the root, as RFC 9162 does when it verifies (section 2.1.3.2), for a picture of it. */
export function pathToRoot(
  leaf: Uint8Array,
  { index, size, hashes }: { index: number; size: number; hashes: readonly Uint8Array[] },
): PathStep[] {
  let [position, last, hash] = [index, size - 1, leaf];
  const steps: PathStep[] = [];
  for (const sibling of hashes) {
    if (last <= 0) break;
    const isLeft = position % 2 === 1 || position === last;
    if (isLeft)
      while (position % 2 === 0 && position !== 0)
        [position, last] = [Math.floor(position / 2), Math.floor(last / 2)];
    hash = isLeft ? nodeHash(sibling, hash) : nodeHash(hash, sibling);
    steps.push({ side: isLeft ? 'left' : 'right', sibling, parent: hash });
    [position, last] = [Math.floor(position / 2), Math.floor(last / 2)];
  }
  return steps;
}
