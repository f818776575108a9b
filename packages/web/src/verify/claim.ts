import { parseCanonicalJson, parseStrictJson, statementEntry } from '@aitbc/receipts';
import type { Inclusion } from '@aitbc/sdk';
import { parseCheckpoint, parseNote, parseTlogProof, type TlogProof } from '@aitbc/tlog';
import { equalBytes, fromBase64 } from './bytes.ts';

/** A statement that somebody claims to be of a ledger, and the proof of that. Nothing of it is verified yet. */
export interface Claim {
  statement: unknown;
  /** The bytes that the leaf's hash covers. Undefined where the statement can't be written as such. */
  entry: Uint8Array | undefined;
  proof: TlogProof | undefined;
  /** Why there is no proof, or why it can't be read. */
  proofFault: string | undefined;
}

/**
 * Reads a receipt or another statement as JSON, with or without its `inclusion`, or a `.tlog-proof` file with its entry.
 *
 * @throws Error that says why the text is none of these
 */
export function readClaim(text: string): Claim {
  const trimmed = text.trim();
  if (trimmed === '') throw new Error('There is nothing to verify yet');
  return trimmed.startsWith('c2sp.org/tlog-proof') ? readProofFile(text) : readJson(trimmed);
}

function readProofFile(text: string): Claim {
  // Pasted texts often lack their last line's end, without which the file is not one.
  const { extra: entry, ...proof } = parseTlogProof(text.endsWith('\n') ? text : `${text}\n`);
  if (!entry) throw new Error('The proof file has no entry in it: paste the receipt itself');
  return { statement: parseCanonicalJson(entry), entry, proof, proofFault: undefined };
}

function readJson(text: string): Claim {
  const statement = parseStrictJson(text);
  const inclusion: unknown = Object(statement).inclusion ?? null;
  const none = { statement, entry: undefined, proof: undefined };
  try {
    const entry = statementEntry(Object(statement));
    if (inclusion === null) return { ...none, entry, proofFault: 'it has no proof with it: no “inclusion”' };
    return { statement, entry, proof: readInclusion(inclusion, entry), proofFault: undefined };
  } catch (error) {
    return { ...none, proofFault: (error as Error).message };
  }
}

/** Reads the proof in a published receipt. Throws Error that names what contradicts the rest of it. */
function readInclusion(inclusion: unknown, entry: Uint8Array): TlogProof {
  const { logIndex, inclusionProof, canonicalizedBody }: Partial<Inclusion> = Object(inclusion);
  const proof: Partial<Inclusion['inclusionProof']> = Object(inclusionProof);
  const envelope: unknown = Object(proof.checkpoint).envelope;
  if (!Array.isArray(proof.hashes) || typeof envelope !== 'string')
    throw new Error('its inclusion is incomplete');
  const { size, root } = parseCheckpoint(parseNote(envelope).text);
  const agreeing = {
    logIndex: logIndex === proof.logIndex && /^(0|[1-9][0-9]{0,15})$/.test(String(logIndex)),
    treeSize: proof.treeSize === String(size),
    rootHash: equalBytes(fromBase64(proof.rootHash), root),
    canonicalizedBody: equalBytes(fromBase64(canonicalizedBody), entry),
  };
  const [wrong] = Object.entries(agreeing).find(([, agrees]) => !agrees) ?? [];
  if (wrong !== undefined) throw new Error(`the ${wrong} of its inclusion contradicts the rest`);
  return { index: Number(logIndex), hashes: proof.hashes.map(fromBase64), checkpoint: envelope };
}
