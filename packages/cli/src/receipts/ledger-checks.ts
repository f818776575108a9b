import { leafHash, type OpenCheckpoint, type Policy, type TlogProof, verifyInclusion } from '@aitbc/tlog';
import { type Cosigned, checkCheckpoint } from '../checkpoint-checks.ts';
import type { Finding } from '../findings.ts';

/** Where an entry was found, for programs. */
export interface Place {
  origin: string;
  index: number;
  tree_size: number;
  /** Those that were demanded or known, with the time that they state. */
  witnesses: Cosigned[];
}

/** Checks that a ledger has an entry, on the word of those whom the policy names. */
export async function checkLedger(
  entry: Uint8Array,
  proof: TlogProof,
  policy: Policy,
): Promise<{ findings: Finding[]; place: Place | null }> {
  const { signed, witnesses, findings } = await checkCheckpoint(proof.checkpoint, policy);
  const { index, hashes } = proof;
  const isIncluded =
    signed !== null && verifyInclusion({ ...signed, index, leafHash: leafHash(entry), proof: hashes });
  const all = [describeInclusion(signed, isIncluded, index), ...findings];
  if (!signed || !witnesses || !isIncluded) return { findings: all, place: null };
  return { findings: all, place: { origin: signed.origin, index, tree_size: signed.size, witnesses } };
}

function describeInclusion(signed: OpenCheckpoint | null, isIncluded: boolean, index: number): Finding {
  if (!signed) return { name: 'inclusion', ok: false, detail: 'not checked, for want of a checkpoint' };
  const { size } = signed;
  const detail = isIncluded
    ? `it is entry ${index} of ${size}`
    : `it is not entry ${index} of ${size}: the proof does not lead to the root`;
  return { name: 'inclusion', ok: isIncluded, detail };
}
