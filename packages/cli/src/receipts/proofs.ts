import type { Inclusion } from '@aitbc/sdk';
import { parseCheckpoint, parseNote, parseTlogProof, type TlogProof } from '@aitbc/tlog';
import { CommandFailure, message } from '../failure.ts';

const TLOG_PROOF = 'c2sp.org/tlog-proof@';
const DECIMAL = /^(0|[1-9][0-9]{0,15})$/;
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

export function isTlogProof(text: string): boolean {
  return text.startsWith(TLOG_PROOF);
}

export function readTlogProof(text: string, origin: string): TlogProof {
  try {
    return parseTlogProof(text);
  } catch (error) {
    throw new CommandFailure(`${origin} is not a .tlog-proof file: ${message(error)}`);
  }
}

/**
 * Reads the proof in the `inclusion` of a published receipt.
 *
 * @param entry the entry that the proof must be about
 * @throws Error that names the part which contradicts the rest, or can not be parsed
 */
export function readInclusion(inclusion: unknown, entry: Uint8Array): TlogProof {
  const { logIndex, inclusionProof, canonicalizedBody }: Partial<Inclusion> = Object(inclusion);
  const { hashes, rootHash, treeSize, checkpoint }: Partial<Inclusion['inclusionProof']> =
    Object(inclusionProof);
  const envelope: unknown = Object(checkpoint).envelope;
  if (!Array.isArray(hashes) || typeof envelope !== 'string') throw new Error('inclusion is malformed');
  const { size, root } = parseCheckpoint(parseNote(envelope).text);
  const claims = {
    logIndex: logIndex === Object(inclusionProof).logIndex,
    treeSize: treeSize === String(size),
    rootHash: equal(decode(rootHash), root),
    canonicalizedBody: equal(decode(canonicalizedBody), entry),
  };
  const [wrong] = Object.entries(claims).find(([, holds]) => !holds) ?? [];
  if (wrong !== undefined) throw new Error(`the ${wrong} of inclusion contradicts the rest of it`);
  if (!DECIMAL.test(String(logIndex))) throw new Error('the logIndex of inclusion is not an index');
  return { index: Number(logIndex), hashes: hashes.map(decode), checkpoint: envelope };
}

function decode(text: unknown): Uint8Array {
  if (typeof text !== 'string' || !BASE64.test(text))
    throw new Error('inclusion contains something other than base64');
  return new Uint8Array(Buffer.from(text, 'base64'));
}

const equal = (one: Uint8Array, other: Uint8Array) => Buffer.compare(one, other) === 0;
