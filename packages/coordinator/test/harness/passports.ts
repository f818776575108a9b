import type { MinerJob, Passport, PassportStatement, Receipt } from '@aitbc/protocol';
import { generateSigner, type Signer, signAttestation, signPassport, textHash } from '@aitbc/receipts';
import type { Actions } from './coordinator.ts';

/** A set-up as an agent states it. */
export const WEIGHTS = `sha256:${'a1'.repeat(32)}`;
export const STATEMENT: PassportStatement = {
  weights: { value: WEIGHTS, source: 'hashed' },
  quantization: { value: 'Q8_0', source: 'hashed' },
  engine: { value: 'llama.cpp', source: 'engine' },
  build: { value: 'b1234', source: 'engine' },
  sampler: { value: { temperature: 0.8, top_k: 40 }, source: 'engine' },
};

export async function signed(
  miner_id: string,
  model: string,
  passport: PassportStatement,
  signer: Signer,
): Promise<Passport> {
  return { ...passport, signature: await signPassport({ miner_id, model, passport }, signer) };
}

/** Miners that sign passports and results. */
export function passportMiners({ register, claims, complete }: Actions) {
  const signers = new Map<string, Signer>();
  return {
    /** Registers a miner, with one passport for its model, or without. */
    async miner(id: string, model: string, passport: PassportStatement | null = STATEMENT): Promise<void> {
      const signer = signers.get(id) ?? (await generateSigner());
      signers.set(id, signer);
      await register(id, {
        ...{ capabilities: [model], public_key: signer.keyId },
        ...(passport && { models: [{ model, passport: await signed(id, model, passport, signer) }] }),
      });
    },
    /** Claims a job, if the miner may have one. */
    async claim(id: string): Promise<MinerJob | undefined> {
      return (await claims(id))[0];
    },
    async finish(id: string, job: MinerJob, result = 'The answer', more: object = {}): Promise<Receipt> {
      const signer = signers.get(id);
      if (!signer) throw new Error(`${id} has no key`);
      const { job_id, model, salt, prompt } = job;
      const statement = {
        ...{ job_id, model },
        ...{ prompt_hash: textHash(salt, prompt), artifact_hash: textHash(salt, result) },
      };
      return await complete(job_id, id, result, {
        signature: await signAttestation(statement, signer),
        ...more,
      });
    },
  };
}
