import { startCoordinator } from '@aitbc/coordinator';
import type { Job, MinerJob, PublicKeys, Receipt } from '@aitbc/protocol';
import { afterAll, beforeAll } from 'vitest';
import { sqlite } from '../../coordinator/test/harness/engines.ts';
import { type SeedSigner, signAttestation, textHash } from '../src/index.ts';

const JSON_HEADERS = { 'content-type': 'application/json' };

/** Starts a real coordinator for the tests of one file. */
export function withCoordinator() {
  const running = { url: '', call, runJob, keys: () => call<PublicKeys>('GET', '/v1/keys') };
  let stop = async () => {};
  beforeAll(async () => {
    const { options, remove } = await sqlite.prepare();
    const coordinator = await startCoordinator({ port: 0, ...options, logLevel: 'silent' });
    running.url = coordinator.url;
    stop = async () => {
      await coordinator.close();
      await remove();
    };
  });
  afterAll(() => stop());
  return running;

  async function call<Body>(method: string, path: string, body?: unknown): Promise<Body> {
    const sent = body === undefined ? {} : { body: JSON.stringify(body), headers: JSON_HEADERS };
    const answer = await fetch(running.url + path, { method, ...sent });
    if (!answer.ok) throw new Error(await answer.text());
    return (await answer.json()) as Body;
  }

  /**
   * Submits a job, runs it, and returns it as its owner sees it, with its receipt. The miner signs when it
   * has a signer.
   */
  async function runJob(
    prompt: string,
    result: string,
    signer?: SeedSigner,
  ): Promise<{ job: Job; receipt: Receipt }> {
    const miner_id = signer ? 'signing-miner' : 'plain-miner';
    const model = `${miner_id}-model`;
    const key = signer && { public_key: signer.keyId };
    await call('POST', '/v1/miners/register', { miner_id, capabilities: [model], ...key });
    const { job_id, salt } = await call<Job>('POST', '/v1/jobs', { prompt, model });
    const { prompt: text } = await call<MinerJob>('POST', `/v1/jobs/${job_id}/claim`, { miner_id });
    const hashes = { prompt_hash: textHash(salt, text), artifact_hash: textHash(salt, result) };
    const signature = signer && (await signAttestation({ job_id, model, ...hashes }, signer));
    const completion = { miner_id, result, ...(signature && { signature }) };
    const receipt = await call<Receipt>('POST', `/v1/jobs/${job_id}/complete`, completion);
    return { receipt, job: await call<Job>('GET', `/v1/jobs/${job_id}`) };
  }
}
