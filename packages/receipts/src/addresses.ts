import { decodePublicKey } from '@aitbc/tlog/ed25519';
import { sha256 } from '@noble/hashes/sha2.js';
import { bech32m } from '@scure/base';

const PREFIX = 'ait';
const ADDRESS_BYTES = 20;
/** The prefix, a 1, 32 characters of 5 bits each, and 6 of a checksum. */
const ADDRESS_LENGTH = 42;
const utf8 = new TextEncoder();

/**
 * The address that belongs to an Ed25519 public key: the first 20 bytes of the key's SHA-256, as bech32m (BIP-350)
 * with the prefix `ait`. 42 characters, `ait1…`.
 *
 * @param keyId the 32 raw bytes in unpadded base64url
 * @throws TypeError when it is not that
 */
export function addressFromPublicKey(keyId: string): string {
  return addressOf(decodePublicKey(keyId));
}

/**
 * The address of somebody who has a name instead of a key: as {@link addressFromPublicKey}, from the UTF-8 of
 * `aitbc:` and the label.
 *
 * @param label anything, such as `my-coordinator/anonymous`
 */
export function addressFromLabel(label: string): string {
  return addressOf(utf8.encode(`aitbc:${label}`));
}

/**
 * Whether a text is an address: bech32m, prefix `ait`, 20 bytes, its checksum right. BIP-350 lets decoders read capitals
 * too; here an address has only the one spelling, in small letters, so that equal addresses are equal texts.
 */
export function isAddress(text: unknown): text is string {
  return typeof text === 'string' && addressFault(text) === undefined;
}

/** What keeps a text from being an address, in words; undefined for one that is. */
export function addressFault(text: string): string | undefined {
  if (text !== text.toLowerCase()) return 'it has capitals';
  if (!text.startsWith(`${PREFIX}1`)) return `it does not begin with ${PREFIX}1`;
  if (text.length !== ADDRESS_LENGTH) return `it has ${text.length} characters, not ${ADDRESS_LENGTH}`;
  return bech32m.decodeUnsafe(text) ? undefined : 'its checksum is wrong: a character was mistyped';
}

function addressOf(bytes: Uint8Array): string {
  return bech32m.encode(PREFIX, bech32m.toWords(sha256(bytes).slice(0, ADDRESS_BYTES)));
}
