/*
 * A miner with an engine of its own, using only the coordinator's API. It registers, claims jobs, sends heartbeats, posts
 * texts while they are generated, signs its results and completes the jobs. Its "model" converts the prompt to capitals.
 * Use `npx aitbc miner` for a real engine.
 *
 *   npx node examples/own-miner.ts           until Ctrl-C
 *   npx node examples/own-miner.ts 3         for three jobs
 */
import { setTimeout } from 'node:timers/promises';
import { generateSigner, signAttestation, textHash } from '@aitbc/receipts';
import { CoordinatorClient, isCoordinatorError, type MinerJob } from '@aitbc/sdk';

const { AITBC_COORDINATOR = 'http://127.0.0.1:8000', AITBC_API_KEY } = process.env;
const [jobs = Infinity] = process.argv.slice(2).map(Number);

const client = new CoordinatorClient(AITBC_COORDINATOR, AITBC_API_KEY);
const minerId = `shouter-${process.pid}`;
/** A real miner keeps its key, because its earnings may belong to it. */
const signer = generateSigner();
const stopping = new AbortController();
process.once('SIGINT', () => stopping.abort());

async function* generate({ prompt }: MinerJob): AsyncGenerator<string> {
  yield* prompt.toUpperCase().match(/\s*\S+/g) ?? [];
}

/** Generates the text of a job, and posts it piece by piece when its client streams it. */
async function generateAndPost(job: MinerJob): Promise<string> {
  let text = '';
  let first = 0;
  for await (const piece of generate(job)) {
    text += piece;
    if (job.stream)
      await client.jobs.postChunks(job.job_id, { miner_id: minerId, first: first++, chunks: [piece] });
  }
  return text;
}

async function run(job: MinerJob): Promise<void> {
  const { job_id, model, prompt, salt } = job;
  try {
    const result = await generateAndPost(job);
    const hashes = { prompt_hash: textHash(salt, prompt), artifact_hash: textHash(salt, result) };
    const signature = await signAttestation({ job_id, model, ...hashes }, signer);
    const receipt = await client.jobs.complete(job_id, { miner_id: minerId, result, signature });
    console.log(`${job_id} earned ${receipt.price} credits`);
  } catch (error) {
    // The job was cancelled or given to another miner meanwhile, so nobody wants the result any more.
    if (isCoordinatorError(error, 'JOB_*')) return console.log(`${job_id}: ${error.detail}`);
    await client.jobs.fail(job_id, { miner_id: minerId, error: String(error), retryable: true });
  }
}

/**
 * Extends the leases of all jobs that the miner holds. Without it a job of more than two minutes goes to
 * another miner.
 */
async function sendHeartbeats(seconds: number, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await client.miners.heartbeat(minerId).catch(error => console.error(error.message));
    await setTimeout(seconds * 1000, undefined, { signal }).catch(() => {});
  }
}

const { heartbeat_seconds, address } = await client.miners.register({
  miner_id: minerId,
  capabilities: ['shout'],
  concurrency: 1,
  public_key: signer.keyId,
});
console.log(`${minerId} waits for jobs for the model shout. Earnings go to ${address}`);
const heartbeats = sendHeartbeats(heartbeat_seconds, stopping.signal);
try {
  for (let done = 0; done < jobs && !stopping.signal.aborted; ) {
    const claimed = await client.miners.claimJobs(minerId, { wait: 25, signal: stopping.signal });
    for (const job of claimed) await run(job);
    done += claimed.length;
  }
} catch (error) {
  if (!stopping.signal.aborted) throw error;
} finally {
  stopping.abort();
  await heartbeats;
  // Deregistering also hands back jobs that the miner may still hold.
  await client.miners.deregister(minerId);
}
