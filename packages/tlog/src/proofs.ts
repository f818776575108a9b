import { checkSize, hashSpans, isCount, type NodeReader, type Span, splitPoint } from './nodes.ts';

/**
 * The root of the tree of the first `size` leaves, of which more may be stored.
 *
 * @returns 32 bytes
 * @throws TlogError MISSING_NODE; RangeError for a size that is none
 */
export async function rootAt(size: number, read: NodeReader): Promise<Uint8Array> {
  checkSize(size);
  const [root = new Uint8Array()] = await hashSpans([[0, size]], read);
  return root;
}

/**
 * The inclusion proof of a leaf in the tree of the first `size` leaves: PATH(index, D[size]) of RFC 6962 section 2.1.1.
 *
 * @param index counted from 0, below `size`
 * @returns hashes of 32 bytes, the leaf's sibling first, the root's child last
 * @throws TlogError MISSING_NODE; RangeError for an index that is not in the tree
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
 * The proof that the tree of the first `to` leaves begins with that of the first `from`: PROOF(from, D[to]) of RFC 6962
 * section 2.1.2. Empty where there is nothing to prove: from size 0, and between equal sizes.
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
  // The subtree that ends where the old tree does. From leaf 0 on it is the old tree, whose root the verifier has.
  if (begin > 0) spans.unshift([begin, end]);
  return await hashSpans(spans, read);
}
