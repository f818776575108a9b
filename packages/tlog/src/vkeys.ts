import { sha256 } from '@noble/hashes/sha2.js';
import { concatBytes } from '@noble/hashes/utils.js';
import { hex } from '@scure/base';
import { decodePublicKey, encodePublicKey, isPublicKey } from './ed25519.ts';
import { malformed, TlogError } from './errors.ts';
import { quote, readBase64, readText, writeBase64 } from './text-format.ts';

/**
 * What a key signs:
 * - `Ed25519`: notes (C2SP signed-note, type 0x01)
 * - `cosignature/v1`: checkpoints together with a time (C2SP tlog-cosignature, type 0x04)
 */
export type SignatureType = 'Ed25519' | 'cosignature/v1';

const TYPE_BYTES: Readonly<Record<SignatureType, number>> = { Ed25519: 0x01, 'cosignature/v1': 0x04 };
const KEY_HASH_BYTES = 4;
const KEY_BYTES = 32;
const VKEY = /^([^+]+)\+([0-9a-f]{8})\+(.+)$/;
const SPACE_OR_PLUS = /[\p{White_Space}+]/u;
const utf8 = new TextEncoder();

/** A key that verifies signatures of notes. */
export interface VerifierKey {
  /** The owner's name, not empty, without spaces and without `+`. A log uses its origin by custom. */
  readonly name: string;
  readonly type: SignatureType;
  /**
   * The key ID as C2SP calls it: 8 lower-case hex digits. Name and key ID together say which key made a
   * signature.
   */
  readonly keyHash: string;
  /** 32 raw bytes in unpadded base64url, as the `keyId` of a signer. */
  readonly publicKey: string;
}

/**
 * Returns the verifier key of a name and a public key, with its key ID: the first four bytes of the SHA-256
 * of name, newline, type and public key (C2SP signed-note, Signatures).
 *
 * @param publicKey the `keyId` of a signer: 32 raw bytes in unpadded base64url
 * @throws TlogError MALFORMED when the name or the key is not valid
 */
export function verifierKey(name: string, type: SignatureType, publicKey: string): VerifierKey {
  checkKeyName(name);
  if (!isPublicKey(publicKey)) throw malformed(`${quote(publicKey)} is no Ed25519 public key`);
  const digest = sha256
    .create()
    .update(utf8.encode(`${name}\n`))
    .update(material(type, publicKey))
    .digest();
  return { name, type, keyHash: hex.encode(digest.subarray(0, KEY_HASH_BYTES)), publicKey };
}

/**
 * Returns the key as text: name, key ID in hex, and base64 of type and key (C2SP signed-note, Verifier keys).
 */
export function formatVkey({ name, type, keyHash, publicKey }: VerifierKey): string {
  return `${name}+${keyHash}+${writeBase64(material(type, publicKey))}`;
}

/**
 * Parses a verifier key.
 *
 * @throws TlogError MALFORMED, also when the key ID does not fit name and key; UNSUPPORTED_KEY for types
 * other than 0x01 and 0x04
 */
export function parseVkey(text: string): VerifierKey {
  const [, name = '', keyHash, encoded = ''] = VKEY.exec(readText(text)) ?? [];
  if (name === '') throw malformed(`${quote(text)} is no verifier key: name+hash+key`);
  const bytes = readBase64(encoded);
  const type = typeOf(bytes[0]);
  const publicKey = bytes.subarray(1);
  if (publicKey.length !== KEY_BYTES) throw malformed('An Ed25519 public key has 32 bytes');
  const key = verifierKey(name, type, encodePublicKey(publicKey));
  if (key.keyHash !== keyHash) throw malformed(`The key ID is ${key.keyHash}, not ${keyHash}`);
  return key;
}

/** Throws TlogError MALFORMED unless the text can be a key's name by C2SP signed-note. */
export function checkKeyName(name: string): void {
  if (name === '' || SPACE_OR_PLUS.test(readText(name))) {
    throw malformed(`${quote(name)} can't be a key's name: it needs characters, but neither spaces nor +`);
  }
}

function typeOf(byte = 0): SignatureType {
  if (byte === TYPE_BYTES.Ed25519) return 'Ed25519';
  if (byte === TYPE_BYTES['cosignature/v1']) return 'cosignature/v1';
  throw new TlogError('UNSUPPORTED_KEY', `Keys of type ${byte} are not supported`);
}

function material(type: SignatureType, publicKey: string): Uint8Array {
  return concatBytes(Uint8Array.of(TYPE_BYTES[type]), decodePublicKey(publicKey));
}
