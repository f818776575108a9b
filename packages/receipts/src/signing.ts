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
