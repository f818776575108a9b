import { concatBytes } from '@noble/hashes/utils.js';
import { type Signer, verifyEd25519 } from './ed25519.ts';
import { TlogError } from './errors.ts';
import { isCount } from './nodes.ts';
import { checkNoteText, type NoteSignature } from './notes.ts';
import { type VerifierKey, verifierKey } from './vkeys.ts';

const TIME_BYTES = 8;
const utf8 = new TextEncoder();

/** A signature that verified. */
export interface VerifiedSignature {
  readonly key: VerifierKey;
  /** Unix seconds; only for cosignature/v1. */
  readonly time?: number;
}

/**
 * Signs a note with a key of type `Ed25519`, over the bytes of its text (C2SP signed-note, Ed25519
 * signatures).
 *
 * @param text must end in a newline
 * @param name the key's; a log uses its origin by custom
 * @throws TlogError MALFORMED when the text or the name is not valid; and whatever the signer throws
 */
export async function signNote(text: string, name: string, signer: Signer): Promise<NoteSignature> {
  checkNoteText(text);
  const { keyHash } = verifierKey(name, 'Ed25519', signer.keyId);
  return { name, keyHash, signature: await signer.sign(utf8.encode(text)) };
}

/**
 * Signs a text with a time, with a key of type `cosignature/v1` (C2SP tlog-cosignature, Ed25519 signed
 * message).
 *
 * @param time Unix seconds
 * @throws TlogError MALFORMED when the name is not valid; RangeError when the time is not
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

/** Returns the Unix seconds at the start of a timed signature; NaN when it is too short. */
function decodeTime(signature: Uint8Array): number {
  if (signature.length < TIME_BYTES) return Number.NaN;
  return Number(new DataView(signature.buffer, signature.byteOffset, TIME_BYTES).getBigUint64(0));
}
