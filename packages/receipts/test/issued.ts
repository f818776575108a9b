import type { Receipt, UnsignedGrant, UnsignedReceipt } from '@aitbc/protocol';
import { addressFromLabel, signerFromSeed, signReceipt, textHash } from '../src/index.ts';

/** The keys are fixed, so that a failing test shows the same bytes each time. */
export const COORDINATOR = signerFromSeed(new Uint8Array(32).fill(1));
export const MINER = signerFromSeed(new Uint8Array(32).fill(2));
export const STRANGER = signerFromSeed(new Uint8Array(32).fill(3));

export const SALT = '00112233445566778899aabbccddeeff';

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

/** Returns the receipt with some fields changed, signed by the coordinator. */
export function issue(changes: Partial<UnsignedReceipt> = {}, signer = COORDINATOR): Promise<Receipt> {
  return signReceipt({ ...UNSIGNED, ...changes }, signer);
}

/** Returns the names of the failed checks. */
export function failed({ checks }: { checks: readonly { name: string; ok: boolean }[] }): string[] {
  return checks.filter(({ ok }) => !ok).map(({ name }) => name);
}
