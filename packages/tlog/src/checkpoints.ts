import type { Signer } from './ed25519.ts';
import { malformed } from './errors.ts';
import { isHash } from './hashing.ts';
import { isCount } from './nodes.ts';
import { checkNoteText, type NoteSignature } from './notes.ts';
import { signTimed } from './signatures.ts';
import { readDecimal, readHash, readText, writeBase64 } from './text-format.ts';

/** What a log signs about its tree (C2SP tlog-checkpoint). */
export interface Checkpoint {
  /** The name of the log, not empty, such as `coordinator.example/ledger`. */
  readonly origin: string;
  /** The number of leaves. */
  readonly size: number;
  /** The root of the tree, 32 bytes. */
  readonly root: Uint8Array;
  /** Further lines, none of them empty. C2SP advises against any. */
  readonly extensions?: readonly string[];
}

/**
 * Returns the text of a checkpoint that the log signs: origin, size and root, a line each.
 *
 * @throws TlogError MALFORMED when a field is not valid
 */
export function formatCheckpoint({ origin, size, root, extensions = [] }: Checkpoint): string {
  if (!isCount(size)) throw malformed(`${size} is no tree size: an integer from 0 to 2^53 - 1`);
  if (!isHash(root)) throw malformed('A root has 32 bytes');
  if ([origin, ...extensions].some(line => line === '' || line.includes('\n'))) {
    throw malformed('Origin and extensions are lines that are not empty');
  }
  const text = [origin, size, writeBase64(root), ...extensions, ''].join('\n');
  checkNoteText(text);
  return text;
}

/**
 * Parses the text of a checkpoint without signatures. Use `openCheckpoint` for a signed one.
 *
 * @throws TlogError MALFORMED
 */
export function parseCheckpoint(text: string): Checkpoint {
  const lines = readText(text).split('\n');
  if (lines.pop() !== '') throw malformed('The last line does not end in a newline');
  const [origin = '', size = '', root = '', ...extensions] = lines;
  if (lines.includes('')) throw malformed('No line of a checkpoint is empty');
  const checkpoint = { origin, size: readDecimal(size), root: readHash(root) };
  return extensions.length === 0 ? checkpoint : { ...checkpoint, extensions };
}

/**
 * Signs a checkpoint with a key of type `cosignature/v1` (C2SP tlog-cosignature). The signature says that
 * this was the largest tree of the log that the cosigner had seen at that time, and that each tree began with
 * the one before.
 *
 * @param text the checkpoint without signatures, see {@link formatCheckpoint}
 * @param name the cosigner's key name: a witness's, or a log's own second key
 * @param time Unix seconds
 * @throws TlogError MALFORMED when the text or the name is not valid; RangeError for a time that is not an
 * integer from 0 to 2^53 - 1; and whatever the signer throws
 */
export async function cosignCheckpoint(
  text: string,
  name: string,
  signer: Signer,
  time: number,
): Promise<NoteSignature> {
  parseCheckpoint(text);
  return await signTimed(text, name, signer, time);
}
