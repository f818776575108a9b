import type { Receipt, Signature, UnsignedReceipt } from '@aitbc/protocol';
import { getPublicKey, sign, utils } from '@noble/ed25519';
import { base64urlnopad } from '@scure/base';
import { canonicalBytes, canonicalJson } from './canonical-json.ts';
// Gives the library the SHA-512 that its synchronous functions need.
import './ed25519.ts';
import { encodePublicKey } from './keys.ts';

const utf8 = new TextEncoder();

/** Makes Ed25519 signatures with one key, wherever that is kept. */
export interface Signer {
  /** The raw public key, 32 bytes, in unpadded base64url. */
  readonly keyId: string;
  /** The 64 bytes of the signature over the bytes themselves, not prehashed (RFC 8032, pure Ed25519). */
  sign(bytes: Uint8Array): Uint8Array | Promise<Uint8Array>;
}

/** A signer with its secret: whoever has the seed signs in its name. */
export interface SeedSigner extends Signer {
  /** 32 bytes; {@link signerFromSeed} makes the signer again. */
  readonly seed: Uint8Array;
}

/** A signer with a new random key. */
export function generateSigner(): SeedSigner {
  return signerFromSeed(utils.randomSecretKey());
}

/**
 * The signer of a private key.
 *
 * @param seed the 32 bytes that RFC 8032 calls the private key
 * @throws RangeError when it has another length
 */
export function signerFromSeed(seed: Uint8Array): SeedSigner {
  if (seed.length !== 32) throw new RangeError('The seed of an Ed25519 key has 32 bytes');
  const secret = Uint8Array.from(seed);
  return { keyId: encodePublicKey(getPublicKey(secret)), seed: secret, sign: bytes => sign(bytes, secret) };
}

/**
 * The bytes that a receipt's signature covers: canonical JSON (RFC 8785) of the receipt without its `signature` and
 * without those of its fields that are null. Nulls further inside, in `metadata`, stay.
 *
 * @throws TypeError for what is not JSON
 */
export function receiptBytes(receipt: Receipt | UnsignedReceipt): Uint8Array {
  const fields = Object.entries(receipt).filter(([name, value]) => name !== 'signature' && value !== null);
  return canonicalBytes(Object.fromEntries(fields));
}

/**
 * The receipt with its signature.
 *
 * @throws TypeError for what is not JSON; and whatever the signer throws
 */
export async function signReceipt(unsigned: UnsignedReceipt, signer: Signer): Promise<Receipt> {
  return { ...unsigned, signature: await signBytes(receiptBytes(unsigned), signer) };
}

/**
 * The canonical JSON of a receipt with its signature, in one pass over the receipt: what `canonicalJson` makes of what
 * `signReceipt` makes.
 *
 * @throws TypeError for what is not JSON; and whatever the signer throws
 */
export async function signReceiptJson(unsigned: UnsignedReceipt, signer: Signer): Promise<string> {
  const members = Object.entries(unsigned)
    .filter(([, value]) => value !== null)
    .map(member);
  const signature = await signBytes(utf8.encode(join(members)), signer);
  return join([...members, member(['signature', signature])]);
}

type Member = readonly [name: string, json: string];

const member = ([name, value]: readonly [string, unknown]): Member => [
  name,
  `${canonicalJson(name)}:${canonicalJson(value)}`,
];

/** An object of members in their canonical order, by UTF-16 code units. */
function join(members: readonly Member[]): string {
  const sorted = [...members].sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${sorted.map(([, json]) => json).join(',')}}`;
}

/** A signature over bytes as the protocol writes it. */
export async function signBytes(bytes: Uint8Array, signer: Signer): Promise<Signature> {
  const sig = base64urlnopad.encode(await signer.sign(bytes));
  return { alg: 'Ed25519', key_id: signer.keyId, sig };
}
