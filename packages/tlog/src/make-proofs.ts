import { checkSize, hashSpans, isCount, type NodeReader, type Span, splitPoint } from './nodes.ts';

/**
 * Returns the root of the tree over the first `size` leaves, 32 bytes. More leaves may be stored.
 *
 * @throws TlogError MISSING_NODE; RangeError when the size is not valid
 */
export async function rootAt(size: number, read: NodeReader): Promise<Uint8Array> {
  checkSize(size);
  const [root = new Uint8Array()] = await hashSpans([[0, size]], read);
  return root;
}

/**
 * Returns the inclusion proof of a leaf in the tree over the first `size` leaves: PATH(index, D[size]) of RFC
 * 6962 section 2.1.1.
 *
 * @param index from 0, below `size`
 * @returns hashes of 32 bytes, the leaf's sibling first, the root's child last
 * @throws TlogError MISSING_NODE; RangeError when the index is not in the tree
 */
export async function inclusionProof(index: number, size: number, read: NodeReader): Promise<Uint8Array[]> {
  checkSize(size);
  if (!isCount(index) || index >= size) throw new RangeError(`A tree of size ${size} has no leaf ${index}`);
  const siblings: Span[] = [];
  let [begin, end] = [0, size];
  while (end - begin > 1) {
    const middle = begin + splitPoint(end - begin);
    siblings.unshift(index < middle ? [middle, end] : [begin, middle]);
    [begin, end] = index < middle ? [begin, middle] : [middle, end];
  }
  return await hashSpans(siblings, read);
}

/**
 * Returns the proof that the tree over the first `to` leaves begins with the tree over the first `from`:
 * PROOF(from, D[to]) of RFC 6962 section 2.1.2. It is empty from size 0 and between equal sizes, as nothing
 * needs proof then.
 *
 * @returns hashes of 32 bytes
 * @throws TlogError MISSING_NODE; RangeError when `from` is larger than `to`
 */
export async function consistencyProof(from: number, to: number, read: NodeReader): Promise<Uint8Array[]> {
  checkSize(to);
  if (!isCount(from) || from > to) throw new RangeError(`No tree of size ${to} begins with one of ${from}`);
  if (from === 0) return [];
  const spans: Span[] = [];
  let [begin, end] = [0, to];
  while (from < end) {
    const middle = begin + splitPoint(end - begin);
    spans.unshift(from <= middle ? [middle, end] : [begin, middle]);
    [begin, end] = from <= middle ? [begin, middle] : [middle, end];
  }
  // This is the subtree that ends where the old tree does. If it begins at leaf 0 it is the old tree itself,
  // whose root the verifier has.
  if (begin > 0) spans.unshift([begin, end]);
  return await hashSpans(spans, read);
}
