import { concatBytes } from '@noble/hashes/utils.js';
import { type Signer, verifyEd25519 } from './ed25519.ts';
import { TlogError } from './errors.ts';
import { isCount } from './nodes.ts';
import { checkNoteText, type NoteSignature } from './notes.ts';
import { type VerifierKey, verifierKey } from './vkeys.ts';

const TIME_BYTES = 8;
const utf8 = new TextEncoder();

/** A signature that was verified. */
export interface VerifiedSignature {
  readonly key: VerifierKey;
  /** Unix seconds; only of cosignature/v1. */
  readonly time?: number;
}

/**
 * Signs a note with a key of type `Ed25519`: the bytes of its text (C2SP signed-note, Ed25519 signatures).
 *
 * @param text ends in a newline
 * @param name of the key; for a log its origin, by custom
 * @throws TlogError MALFORMED for what can't be the text of a note or the name of a key; and whatever the signer throws
 */
export async function signNote(text: string, name: string, signer: Signer): Promise<NoteSignature> {
  checkNoteText(text);
  const { keyHash } = verifierKey(name, 'Ed25519', signer.keyId);
  return { name, keyHash, signature: await signer.sign(utf8.encode(text)) };
}

/**
 * Signs a text with a time, with a key of type `cosignature/v1` (C2SP tlog-cosignature, Ed25519 signed message).
 *
 * @throws TlogError MALFORMED for what can't be the name of a key; RangeError for what is no time
 */
export async function signTimed(
  text: string,
  name: string,
  signer: Signer,
  time: number,
): Promise<NoteSignature> {
  if (!isCount(time)) throw new RangeError(`${time} is no time in whole seconds from 0 to 2^53 - 1`);
  const { keyHash } = verifierKey(name, 'cosignature/v1', signer.keyId);
  const signature = await signer.sign(timedMessage(text, time));
  return { name, keyHash, signature: concatBytes(encodeTime(time), signature) };
}

/**
 * Verifies one signature of a note.
 *
 * @throws TlogError BAD_SIGNATURE
 */
export async function verifySignature(
  text: string,
  { signature }: NoteSignature,
  key: VerifierKey,
): Promise<VerifiedSignature> {
  if (key.type === 'cosignature/v1') {
    const time = decodeTime(signature);
    const bare = signature.subarray(TIME_BYTES);
    if (isCount(time) && (await verifyEd25519(timedMessage(text, time), bare, key.publicKey))) {
      return { key, time };
    }
  } else if (await verifyEd25519(utf8.encode(text), signature, key.publicKey)) return { key };
  throw new TlogError('BAD_SIGNATURE', `The signature of ${key.name} (${key.keyHash}) does not verify`);
}

function timedMessage(text: string, time: number): Uint8Array {
  return utf8.encode(`cosignature/v1\ntime ${time}\n${text}`);
}

function encodeTime(time: number): Uint8Array {
  const bytes = new Uint8Array(TIME_BYTES);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(time));
  return bytes;
}

/** The seconds that a timed signature begins with; NaN where it is too short for any. */
function decodeTime(signature: Uint8Array): number {
  if (signature.length < TIME_BYTES) return Number.NaN;
  return Number(new DataView(signature.buffer, signature.byteOffset, TIME_BYTES).getBigUint64(0));
}
