import { createPrivateKey, createPublicKey, sign } from 'node:crypto';
import { addressFromLabel, canonicalBytes, type Signer, signReceiptJson, textHash } from '@aitbc/receipts';

/**
 * Returns a signer that uses Node's own implementation, which is fast enough for tens of thousands of
 * signatures.
 */
export function nodeSigner(seed: number): Signer {
  const pkcs8 = Buffer.concat([
    Buffer.from('302e020100300506032b657004220420', 'hex'),
    Buffer.alloc(32, seed),
  ]);
  const key = createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' });
  const { x = '' } = createPublicKey(key).export({ format: 'jwk' });
  return { keyId: x, sign: bytes => new Uint8Array(sign(null, bytes, key)) };
}

export const COORDINATOR = nodeSigner(31);
export const CLIENT = addressFromLabel('test/client');
export const MINER = addressFromLabel('test/miner');

const HASH = textHash('00112233445566778899aabbccddeeff', 'text');

export interface ReceiptChanges {
  receipt_id?: string;
  job_id?: string;
  /** In seconds, which cost 0.01 credits each. */
  units?: number;
}

/** Returns the entry of a receipt as a coordinator would sign it. */
export async function receiptBytesOf(
  index: number,
  { receipt_id = `rcpt-${index}`, job_id = `job-${index}`, units = 2 }: ReceiptChanges = {},
  signer = COORDINATOR,
): Promise<Uint8Array> {
  const json = await signReceiptJson(
    {
      ...{
        version: '1.0',
        receipt_id,
        job_id,
        provider: MINER,
        client: CLIENT,
        units,
        unit_type: 'gpu_second',
      },
      ...{
        price: Number((units * 0.01).toFixed(6)),
        model: 'llama3.2',
        prompt_hash: HASH,
        artifact_hash: HASH,
      },
      ...{ started_at: 1769266800, completed_at: 1769266800 + Math.floor(units), duration_ms: units * 1000 },
      ...{ coordinator_id: 'test', nonce: String(index), metadata: { rate: 0.01 } },
    },
    signer,
  );
  return Buffer.from(json);
}

export async function receiptEntries(count: number, from = 0): Promise<Uint8Array[]> {
  const entries: Uint8Array[] = [];
  for (let index = from; index < from + count; index++) entries.push(await receiptBytesOf(index));
  return entries;
}

/** Returns the entry of any statement. */
export async function statementEntry(
  fields: Record<string, unknown>,
  signer = COORDINATOR,
): Promise<Uint8Array> {
  const sig = Buffer.from(await signer.sign(canonicalBytes(fields))).toString('base64url');
  return canonicalBytes({ ...fields, signature: { alg: 'Ed25519', key_id: signer.keyId, sig } });
}
