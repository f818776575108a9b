import { parseCheckpoint } from './checkpoints.ts';
import { malformed, TlogError } from './errors.ts';
import { isHash } from './hashing.ts';
import { isCount } from './nodes.ts';
import { parseNote } from './notes.ts';
import { type LogPolicy, type OpenCheckpoint, openCheckpoint } from './open-note.ts';
import type { Policy } from './policy.ts';
import {
  readBase64,
  readDecimal,
  readField,
  readHash,
  readHead,
  type TextSource,
  writeBase64,
} from './text-format.ts';
import { verifyInclusion } from './verify-proofs.ts';

const HEADER = 'c2sp.org/tlog-proof@v1';

/** A proof that an entry is in a log, which can be verified offline (C2SP tlog-proof). */
export interface TlogProof {
  /** The index of the leaf, from 0. */
  readonly index: number;
  /** The inclusion proof: hashes of 32 bytes, the leaf's sibling first. */
  readonly hashes: readonly Uint8Array[];
  /** The signed and cosigned checkpoint that the proof leads to. */
  readonly checkpoint: string;
  /** Any bytes, at least one. No signature covers them. */
  readonly extra?: Uint8Array;
}

/**
 * Returns the text of a `.tlog-proof` file.
 *
 * @throws TlogError MALFORMED when a field is not valid
 */
export function formatTlogProof({ index, hashes, checkpoint, extra }: TlogProof): string {
  if (!isCount(index)) throw malformed(`${index} is no index: an integer from 0 to 2^53 - 1`);
  if (!hashes.every(isHash)) throw malformed('The hashes of a proof have 32 bytes');
  if (extra?.length === 0) throw malformed('Extra data that is empty is left out');
  checkSigned(checkpoint);
  const head = [HEADER, ...(extra ? [`extra ${writeBase64(extra)}`] : []), `index ${index}`];
  return [...head, ...hashes.map(writeBase64), '', checkpoint].join('\n');
}

/**
 * Parses a `.tlog-proof` file without verifying it; {@link verifyTlogProof} does both.
 *
 * @param source text, or its bytes in UTF-8
 * @throws TlogError MALFORMED
 */
export function parseTlogProof(source: TextSource): TlogProof {
  const { lines, rest: checkpoint } = readHead(source);
  const [header, ...fields] = lines;
  if (header !== HEADER) throw malformed(`The first line is not ${HEADER}`);
  const extra = fields[0]?.startsWith('extra ') ? readExtra(fields.shift()) : undefined;
  const [index, ...hashes] = fields;
  const proof = { index: readDecimal(readField('index', index)), hashes: hashes.map(readHash), checkpoint };
  checkSigned(checkpoint);
  return extra ? { ...proof, extra } : proof;
}

/**
 * Verifies offline that an entry is in a log.
 *
 * @param source text, or its bytes in UTF-8
 * @param leafHash the entry's, 32 bytes
 * @returns the checkpoint, and the index of the leaf in its tree
 * @throws what `openCheckpoint` throws; TlogError NOT_INCLUDED when the proof does not lead from leaf to
 * root
 */
export async function verifyTlogProof(
  source: TextSource,
  leafHash: Uint8Array,
  policy: LogPolicy | Policy,
): Promise<{ index: number; checkpoint: OpenCheckpoint }> {
  const { index, hashes, checkpoint: note } = parseTlogProof(source);
  const checkpoint = await openCheckpoint(note, policy);
  const { size, root } = checkpoint;
  if (!verifyInclusion({ index, size, leafHash, proof: hashes, root })) {
    throw new TlogError('NOT_INCLUDED', `The entry is not the one with index ${index} of ${size}`);
  }
  return { index, checkpoint };
}

function readExtra(line?: string): Uint8Array {
  const extra = readBase64(readField('extra', line));
  if (extra.length === 0) throw malformed('Extra data that is empty is left out');
  return extra;
}

function checkSigned(checkpoint: string): void {
  parseCheckpoint(parseNote(checkpoint).text);
}
