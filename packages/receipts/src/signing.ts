import type { Receipt, UnsignedReceipt } from '@aitbc/protocol';
import type { Signer } from '@aitbc/tlog/ed25519';
import { canonicalBytes, canonicalJson } from './canonical-json.ts';
import { signBytes } from './signatures.ts';

const utf8 = new TextEncoder();

/**
 * The bytes that a receipt's signature covers: canonical JSON (RFC 8785) of the receipt without its `signature`, without
 * the `inclusion` that coordinators show beside it, and without those of its fields that are null. Nulls further
 * inside, in `metadata`, stay.
 *
 * @throws TypeError for what is not JSON
 */
export function receiptBytes(receipt: Receipt | UnsignedReceipt): Uint8Array {
  return canonicalBytes(fieldsWithout(['signature', 'inclusion'], receipt));
}

/**
 * The ledger's entry for a receipt: its canonical JSON with the signature, without the `inclusion` that coordinators show
 * beside it, and without those of its fields that are null.
 *
 * @throws TypeError for what is not JSON
 */
export function receiptEntry(receipt: Receipt): Uint8Array {
  return canonicalBytes(fieldsWithout(['inclusion'], receipt));
}

function fieldsWithout(names: readonly string[], receipt: object) {
  return Object.fromEntries(
    Object.entries(receipt).filter(([name, value]) => !names.includes(name) && value !== null),
  );
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
  const present = Object.entries(unsigned).filter(([, value]) => value !== null);
  const before = membersOf(present.filter(([name]) => name < 'signature'));
  const after = membersOf(present.filter(([name]) => name > 'signature'));
  const signature = await signBytes(utf8.encode(objectOf([before, after])), signer);
  return objectOf([before, membersOf([['signature', signature]]), after]);
}

/** Their canonical JSON, without the braces around it. */
const membersOf = (entries: readonly (readonly [string, unknown])[]) =>
  canonicalJson(Object.fromEntries(entries)).slice(1, -1);

const objectOf = (parts: readonly string[]) => `{${parts.filter(part => part !== '').join(',')}}`;
