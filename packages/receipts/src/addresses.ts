import { decodePublicKey } from '@aitbc/tlog/ed25519';
import { sha256 } from '@noble/hashes/sha2.js';
import { bech32m } from '@scure/base';

const PREFIX = 'ait';
const ADDRESS_BYTES = 20;
/** The prefix `ait`, the separator 1, 32 characters of 5 bits each and a checksum of 6. */
const ADDRESS_LENGTH = 42;
const utf8 = new TextEncoder();

/**
 * Returns the address of an Ed25519 public key: the first 20 bytes of the key's SHA-256 as bech32m (BIP-350)
 * with the prefix `ait`. It has 42 characters, `ait1…`.
 *
 * @param keyId the raw 32 bytes in unpadded base64url
 * @throws TypeError when `keyId` is not a public key
 */
export function addressFromPublicKey(keyId: string): string {
  return addressOf(decodePublicKey(keyId));
}

/**
 * Returns the address of a party that has a name instead of a key. It is made as in
 * {@link addressFromPublicKey}, from the UTF-8 of `aitbc:` and the label.
 *
 * @param label any text, such as `my-coordinator/anonymous`
 */
export function addressFromLabel(label: string): string {
  return addressOf(utf8.encode(`aitbc:${label}`));
}

/**
 * Whether a text is an address: bech32m with the prefix `ait`, 20 bytes and a right checksum. BIP-350 also
 * accepts capitals; addresses here are lower case only, so that equal addresses are equal texts.
 */
export function isAddress(text: unknown): text is string {
  return typeof text === 'string' && addressFault(text) === undefined;
}

/** Returns why a text is not an address, or undefined when it is one. */
export function addressFault(text: string): string | undefined {
  if (text !== text.toLowerCase()) return 'it has capitals';
  if (!text.startsWith(`${PREFIX}1`)) return `it does not begin with ${PREFIX}1`;
  if (text.length !== ADDRESS_LENGTH) return `it has ${text.length} characters, not ${ADDRESS_LENGTH}`;
  return bech32m.decodeUnsafe(text) ? undefined : 'its checksum is wrong: a character was mistyped';
}

function addressOf(bytes: Uint8Array): string {
  return bech32m.encode(PREFIX, bech32m.toWords(sha256(bytes).slice(0, ADDRESS_BYTES)));
}
