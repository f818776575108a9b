import { expect } from 'vitest';
import {
  cosignCheckpoint,
  formatCheckpoint,
  formatNote,
  type NoteSignature,
  type SeedSigner,
  signerFromSeed,
  signNote,
  type TlogErrorCode,
  type VerifierKey,
  verifierKey,
} from '../src/index.ts';

export const ORIGIN = 'coordinator.example/ledger';
export const TIME = 1764000000;

/** The keys are fixed, so that a failing test shows the same bytes each time. */
export const LOG = party(ORIGIN, 'Ed25519', 1);
export const LOG_COSIGNER = party(ORIGIN, 'cosignature/v1', 2);
export const WITNESSES = [3, 4, 5].map(seed => party(`witness.example/w${seed}`, 'cosignature/v1', seed));
export const STRANGER = party('stranger.example', 'Ed25519', 9);

/** Matches the TlogError with that code. */
export const tlogError = (code: TlogErrorCode) => expect.objectContaining({ name: 'TlogError', code });

export interface Party {
  signer: SeedSigner;
  key: VerifierKey;
}

export function party(name: string, type: VerifierKey['type'], seed: number): Party {
  const signer = signerFromSeed(new Uint8Array(32).fill(seed));
  return { signer, key: verifierKey(name, type, signer.keyId) };
}

/** Signs a text as a party, with the type of its key. */
export async function signedBy({ signer, key }: Party, text: string, time = TIME): Promise<NoteSignature> {
  return key.type === 'Ed25519'
    ? await signNote(text, key.name, signer)
    : await cosignCheckpoint(text, key.name, signer, time);
}

/** Returns a note over a text with the parties' signatures. */
export async function noteBy(parties: readonly Party[], text: string): Promise<string> {
  return formatNote({ text, signatures: await Promise.all(parties.map(party => signedBy(party, text))) });
}

export function checkpointText(size: number, root: Uint8Array, origin = ORIGIN): string {
  return formatCheckpoint({ origin, size, root });
}
