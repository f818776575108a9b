import type { Receipt, UnsignedGrant, UnsignedReceipt } from '@aitbc/protocol';
import { addressFromLabel, signerFromSeed, signReceipt, textHash } from '../src/index.ts';

/** Known keys, so that a failure shows the same bytes each time. */
export const COORDINATOR = signerFromSeed(new Uint8Array(32).fill(1));
export const MINER = signerFromSeed(new Uint8Array(32).fill(2));
export const STRANGER = signerFromSeed(new Uint8Array(32).fill(3));

export const SALT = '00112233445566778899aabbccddeeff';

/** A receipt before it is signed, as a coordinator writes it. */
export const UNSIGNED: UnsignedReceipt = {
  version: '1.0',
  receipt_id: 'rcpt-01kc0pq5w8e4z9k3v7t2m6n1rx',
  job_id: 'job-01kc0pq5w8e4z9k3v7t2m6n1rw',
  provider: addressFromLabel('example/miner'),
  client: addressFromLabel('example/client'),
  units: 12.345,
  unit_type: 'gpu_second',
  price: 0.12345,
  model: 'llama3.2',
  prompt_hash: textHash(SALT, 'What is 6 times 7?'),
  artifact_hash: textHash(SALT, '42'),
  started_at: 1769266800,
  completed_at: 1769266812,
  duration_ms: 12345,
  coordinator_id: 'coordinator-example',
  nonce: 'ffeeddccbbaa99887766554433221100',
  metadata: { miner_id: 'my-miner-001', usage: { prompt_tokens: 7, completion_tokens: 2 } },
};

/** A grant before it is signed. */
export const GRANT: UnsignedGrant = {
  type: 'grant',
  version: '1.0',
  grant_id: 'grant-01kc0pq5w8e4z9k3v7t2m6n1rx',
  to: addressFromLabel('example/client'),
  amount: 12.5,
  coordinator_id: 'coordinator-example',
  created_at: 1769266800,
  nonce: 'ffeeddccbbaa99887766554433221100',
  metadata: { reason: 'Welcome' },
};

/** The receipt with some fields otherwise, signed by the coordinator. */
export function issue(changes: Partial<UnsignedReceipt> = {}, signer = COORDINATOR): Promise<Receipt> {
  return signReceipt({ ...UNSIGNED, ...changes }, signer);
}

/** Names of the checks that a receipt did not pass. */
export function failed({ checks }: { checks: readonly { name: string; ok: boolean }[] }): string[] {
  return checks.filter(({ ok }) => !ok).map(({ name }) => name);
}
