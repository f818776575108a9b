import { generateSigner, signAttestation, signPassport, textHash } from '@aitbc/receipts';
import type { CoordinatorClient } from '@aitbc/sdk';

export interface Stated {
  minerId: string;
  model: string;
  /** What it says that its weights are. */
  weights: string;
  /** The effective parameters that it states. */
  parameters: Record<string, number>;
}

/** Registers a miner that answers what it is told to, and may lie about its model. */
export async function statedMiner(
  client: CoordinatorClient,
  { minerId, model, weights, parameters }: Stated,
): Promise<{ answer(result: string): Promise<void> }> {
  const signer = generateSigner();
  const passport = { weights: { value: weights, source: 'hashed' as const } };
  const signature = await signPassport({ miner_id: minerId, model, passport }, signer);
  await client.miners.register({
    ...{ miner_id: minerId, capabilities: [model], public_key: signer.keyId },
    models: [{ model, passport: { ...passport, signature } }],
  });
  return {
    async answer(result) {
      const prompt = 'Tell me about the sun.';
      const constraints = { miners: { only: [minerId] } };
      await client.jobs.submit({ prompt, model, params: parameters, constraints });
      const [job] = await client.miners.claimJobs(minerId, { wait: 25 });
      if (!job) throw new Error('There was no job');
      const hashes = { prompt_hash: textHash(job.salt, prompt), artifact_hash: textHash(job.salt, result) };
      await client.jobs.complete(job.job_id, {
        ...{ miner_id: minerId, result, finish_reason: 'length', effective_parameters: parameters },
        signature: await signAttestation({ job_id: job.job_id, model, ...hashes }, signer),
      });
    },
  };
}
