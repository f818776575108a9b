import { leafHash, type OpenCheckpoint, type Policy, type TlogProof, verifyInclusion } from '@aitbc/tlog';
import { type Cosignature, checkCheckpoint } from '../checkpoint-checks.ts';
import type { CheckFinding } from '../findings.ts';

/** The place of an entry in a ledger, for programs. */
export interface LedgerPlace {
  origin: string;
  index: number;
  tree_size: number;
  /** The witnesses that the policy names, with the times that they state. */
  witnesses: Cosignature[];
}

/** Checks that a ledger has an entry, by the signatures that the policy demands. */
export async function checkLedger(
  entry: Uint8Array,
  proof: TlogProof,
  policy: Policy,
): Promise<{ findings: CheckFinding[]; place: LedgerPlace | null }> {
  const { signed, witnesses, findings } = await checkCheckpoint(proof.checkpoint, policy);
  const { index, hashes } = proof;
  const isIncluded =
    signed !== null && verifyInclusion({ ...signed, index, leafHash: leafHash(entry), proof: hashes });
  const all = [describeInclusion(signed, isIncluded, index), ...findings];
  if (!signed || !witnesses || !isIncluded) return { findings: all, place: null };
  return { findings: all, place: { origin: signed.origin, index, tree_size: signed.size, witnesses } };
}

function describeInclusion(signed: OpenCheckpoint | null, isIncluded: boolean, index: number): CheckFinding {
  if (!signed) return { name: 'inclusion', ok: false, detail: 'not checked without a valid checkpoint' };
  const { size } = signed;
  const detail = isIncluded
    ? `it is entry ${index} of ${size}`
    : `it is not entry ${index} of ${size}: the proof does not lead to the root`;
  return { name: 'inclusion', ok: isIncluded, detail };
}
