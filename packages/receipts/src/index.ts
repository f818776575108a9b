import type { Receipt, Signature, UnsignedReceipt } from '@aitbc/protocol';
import { getPublicKeyAsync, signAsync, verifyAsync } from '@noble/ed25519';
import { sha256 } from '@noble/hashes/sha2.js';
import { base64urlnopad, bech32m, hex } from '@scure/base';
import canonicalize from 'canonicalize';

export type Signer = { keyId: string; sign(bytes: Uint8Array): Uint8Array | Promise<Uint8Array> };
const utf8 = new TextEncoder();
export function canonicalJson(value: unknown): string {
  const text = canonicalize(value);
  if (text === undefined) throw new TypeError('not JSON');
  return text;
}
export function receiptBytes(receipt: Receipt | UnsignedReceipt): Uint8Array {
  const { signature: _, ...rest } = receipt as Receipt;
  return utf8.encode(canonicalJson(Object.fromEntries(Object.entries(rest).filter(([, v]) => v !== null))));
}
export async function signReceipt(unsigned: UnsignedReceipt, signer: Signer): Promise<Receipt> {
  const sig = base64urlnopad.encode(await signer.sign(receiptBytes(unsigned)));
  return { ...unsigned, signature: { alg: 'Ed25519', key_id: signer.keyId, sig: sig.replace(/=+$/, '') } };
}
const addressOf = (bytes: Uint8Array) => bech32m.encode('ait', bech32m.toWords(sha256(bytes).slice(0, 20)));
export const addressFromPublicKey = (keyId: string) => addressOf(base64urlnopad.decode(keyId));
export const addressFromLabel = (label: string) => addressOf(utf8.encode(`aitbc:${label}`));
export function isAddress(text: string): boolean {
  try {
    const { prefix, words } = bech32m.decode(text as `${string}1${string}`);
    return prefix === 'ait' && bech32m.fromWords(words).length === 20;
  } catch {
    return false;
  }
}
export const textHash = (salt: string, text: string) => hex.encode(sha256(utf8.encode(salt + text)));
export interface Attestation { job_id: string; model: string; prompt_hash: string; artifact_hash: string }
export const attestationBytes = ({ job_id, model, prompt_hash, artifact_hash }: Attestation) =>
  utf8.encode(canonicalJson({ job_id, model, prompt_hash, artifact_hash }));
export async function verifyAttestation(statement: Attestation, signature: Signature): Promise<boolean> {
  return verifyAsync(base64urlnopad.decode(signature.sig), attestationBytes(statement), base64urlnopad.decode(signature.key_id));
}
export const roundCredits = (n: number) => Number(n.toFixed(6));
export { getPublicKeyAsync, signAsync };
