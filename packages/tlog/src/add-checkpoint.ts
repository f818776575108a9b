import { parseCheckpoint } from './checkpoints.ts';
import { malformed } from './errors.ts';
import { isHash } from './hashing.ts';
import { isCount } from './nodes.ts';
import { parseNote } from './notes.ts';
import { readDecimal, readField, readHash, readHead, type TextSource, writeBase64 } from './text-format.ts';

const MAX_HASHES = 63;

/** A log's request to a witness to cosign a checkpoint (C2SP tlog-witness, add-checkpoint). */
export interface AddCheckpoint {
  /** The size of the tree that the witness has cosigned last, 0 for none. */
  readonly old: number;
  /** The consistency proof from that size on: at most 63 hashes of 32 bytes. */
  readonly proof: readonly Uint8Array[];
  /** The new checkpoint with the log's signature. */
  readonly checkpoint: string;
}

/**
 * Returns the body of a request.
 *
 * @throws TlogError MALFORMED when a field is not valid
 */
export function formatAddCheckpoint({ old, proof, checkpoint }: AddCheckpoint): string {
  if (!isCount(old)) throw malformed(`${old} is no tree size: an integer from 0 to 2^53 - 1`);
  if (!proof.every(isHash)) throw malformed('The hashes of a proof have 32 bytes');
  checkParts(proof.length, checkpoint);
  return [`old ${old}`, ...proof.map(writeBase64), '', checkpoint].join('\n');
}

/**
 * Parses the body of a request without verifying it.
 *
 * @param source text, or its bytes in UTF-8
 * @throws TlogError MALFORMED
 */
export function parseAddCheckpoint(source: TextSource): AddCheckpoint {
  const { lines, rest: checkpoint } = readHead(source);
  const [old, ...proof] = lines;
  checkParts(proof.length, checkpoint);
  return { old: readDecimal(readField('old', old)), proof: proof.map(readHash), checkpoint };
}

function checkParts(hashes: number, checkpoint: string): void {
  if (hashes > MAX_HASHES) throw malformed(`A consistency proof has at most ${MAX_HASHES} hashes`);
  parseCheckpoint(parseNote(checkpoint).text);
}
