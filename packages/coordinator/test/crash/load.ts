import { hash } from 'node:crypto';
import type {
  HeartbeatAnswer,
  Job,
  MinerJob,
  Payout,
  Problem,
  TrackedPayout,
  VerificationOutcome,
  VerificationTask,
} from '@aitbc/protocol';
import {
  addressFromPublicKey,
  signAttestation,
  signerFromSeed,
  signPassport,
  signPayoutAnswer,
} from '@aitbc/receipts';
import { answerTo } from '../harness/scenes.ts';
import { ENGINE, scoredToken } from '../harness/verifications.ts';

/** One request: the server's answer as text, or an error when the server went away before it. */
export type Send = (
  method: string,
  path: string,
  body?: object,
  headers?: Record<string, string>,
) => Promise<Reply>;

export interface Reply {
  status: number;
  text: string;
}

/** What the clients and miners were told, and may therefore rely on. */
export interface Acknowledged {
  /** Ids of the jobs by the idempotency key they were submitted with. */
  submitted: Map<string, string[]>;
  /** The receipt, byte for byte, by job. */
  completed: Map<string, string>;
  cancelled: Set<string>;
  /** Payouts that their provider has confirmed, by the idempotency key they were made with. */
  payouts: Map<string, TrackedPayout>;
  /** What became of each answer that the verifier has scored, by verification. */
  verified: Map<string, VerificationOutcome>;
}

export interface Load {
  acknowledged: Acknowledged;
  /** Rejects as soon as an answer is wrong. */
  goesOn: Promise<unknown>;
  /** Ends submissions; resolves when the miners have run all that was waiting. */
  finish(): Promise<void>;
}

const MODEL = 'llama3.2';

/** The owner of the miners. */
const OWNER = signerFromSeed(new Uint8Array(32).fill(1));
const address = addressFromPublicKey(OWNER.keyId);

/** The miner whose answers are verified: it signs a passport, and therefore its results. */
const SIGNING_MINER = 'miner1';
const WEIGHTS = `sha256:${'ab'.repeat(32)}`;

/**
 * Clients that submit and cancel, miners that run what they get, a verifier that reads the answers of one of them, and an
 * administrator that pays their owner, all at once and without a pause. `send` is expected to repeat a request until a server answers it.
 */
export function startLoad(send: Send, random: () => number, adminKey: string): Load {
  const submitted = new Map<string, string[]>();
  const completed = new Map<string, string>();
  const cancelled = new Set<string>();
  const payouts = new Map<string, TrackedPayout>();
  const verified = new Map<string, VerificationOutcome>();
  const recent: string[] = [];
  let over = false;

  async function submitter(name: string): Promise<void> {
    for (let count = 0; !over; count++) {
      const key = `${name}-${count}`;
      const ids = await submit(send, key);
      submitted.set(key, ids);
      recent.push(...ids);
    }
  }

  async function canceller(): Promise<void> {
    while (!over) {
      const id = recent.splice(Math.floor(random() * recent.length), 1)[0];
      if (id === undefined) await send('GET', '/health');
      else if (random() < 0.3 && (await wasCancelled(id))) cancelled.add(id);
    }
  }

  async function wasCancelled(id: string): Promise<boolean> {
    const { status, text } = await send('POST', `/v1/jobs/${id}/cancel`);
    const code = status === 409 ? (JSON.parse(text) as Problem).error_code : undefined;
    // The server may have gone after it cancelled the job and before it said so.
    if (status === 200 || code === 'JOB_ALREADY_CANCELLED') return true;
    if (code === 'JOB_ALREADY_COMPLETED') return false;
    throw new Error(`A cancellation was answered ${status} ${text}`);
  }

  async function miner(id: string): Promise<void> {
    await expectStatus(
      [200, 201],
      send('POST', '/v1/miners/register', {
        ...{ miner_id: id, capabilities: [MODEL], address },
        ...(id === SIGNING_MINER && (await passportOf(id))),
      }),
    );
    for (;;) {
      const max = 1 + Math.floor(random() * 4);
      const claimed = await expectStatus([200], send('POST', `/v1/miners/${id}/claims`, { max }));
      const jobs = (JSON.parse(claimed) as { jobs: MinerJob[] }).jobs.map(({ job_id }) => job_id);
      // A claim whose answer was lost is known to the coordinator: a heartbeat tells of it.
      const beat = await expectStatus([200], send('POST', `/v1/miners/${id}/heartbeat`, { jobs }));
      const held = (JSON.parse(beat) as HeartbeatAnswer).jobs.map(({ job_id }) => job_id);
      for (const job of held) await complete(id, job);
      if (over && held.length === 0 && (await pendingJobs()) === 0) return;
    }
  }

  async function complete(id: string, job: string): Promise<void> {
    const result = `The answer to ${job}`;
    const body = {
      ...{ miner_id: id, result },
      ...(id === SIGNING_MINER && {
        effective_parameters: { temperature: 1 },
        ...(await signed(job, result)),
      }),
    };
    const { status, text } = await send('POST', `/v1/jobs/${job}/complete`, body);
    if (status === 200) completed.set(job, text);
    else if (status !== 409 || (JSON.parse(text) as Problem).error_code !== 'JOB_ALREADY_CANCELLED')
      throw new Error(`A completion was answered ${status} ${text}`);
  }

  async function signed(job_id: string, result: string) {
    const headers = { 'x-api-key': adminKey };
    const text = await expectStatus([200], send('GET', `/v1/jobs/${job_id}`, undefined, headers));
    const { prompt, salt } = JSON.parse(text) as Job;
    const prompt_hash = hash('sha256', `${salt}${prompt}`);
    const artifact_hash = hash('sha256', salt + result);
    return { signature: await signAttestation({ job_id, model: MODEL, prompt_hash, artifact_hash }, OWNER) };
  }

  async function verifier(): Promise<void> {
    const headers = { 'x-api-key': adminKey };
    const claim = { verifier_id: 'reader', weights: [WEIGHTS], engine: ENGINE, wait: 0.5 };
    while (!over) {
      const task = await expectStatus([200, 204], send('POST', '/v1/verifications/claim', claim, headers));
      if (task === '') continue;
      const { verification_id } = JSON.parse(task) as VerificationTask;
      const tokens = Array.from({ length: 24 }, () => scoredToken(-1));
      const scores = { verifier_id: 'reader', tokens, engine: ENGINE, retokenized: true };
      const path = `/v1/verifications/${verification_id}/scores`;
      const outcome = await expectStatus([200], send('POST', path, scores, headers));
      verified.set(verification_id, JSON.parse(outcome) as VerificationOutcome);
    }
  }

  async function payer(): Promise<void> {
    for (let count = 0; !over; count++) {
      const key = `payout-${count}`;
      const payout = await pay(send, key, adminKey);
      if (payout) payouts.set(key, await confirm(payout));
    }
  }

  async function confirm(payout: Payout): Promise<TrackedPayout> {
    const signature = await signPayoutAnswer(answerTo(payout, 'confirmed'), OWNER);
    const text = await expectStatus(
      [200],
      send('POST', `/v1/payouts/${payout.payout_id}/confirm`, { signature }),
    );
    return JSON.parse(text) as TrackedPayout;
  }

  async function pendingJobs(): Promise<number> {
    return JSON.parse(await expectStatus([200], send('GET', '/v1/stats'))).pending_jobs;
  }

  const clients = [
    submitter('first'),
    submitter('second'),
    submitter('third'),
    canceller(),
    payer(),
    verifier(),
  ];
  const miners = [miner('miner1'), miner('miner2'), miner('miner3')];
  const all = Promise.all([...clients, ...miners]);
  return {
    acknowledged: { submitted, completed, cancelled, payouts, verified },
    goesOn: all,
    async finish() {
      over = true;
      await all;
    },
  };
}

/** What a miner with a passport adds to its registration. */
async function passportOf(miner_id: string) {
  const passport = {
    weights: { value: WEIGHTS, source: 'hashed' as const },
    engine: { value: 'llama.cpp', source: 'engine' as const },
  };
  const signature = await signPassport({ miner_id, model: MODEL, passport }, OWNER);
  return { public_key: OWNER.keyId, models: [{ model: MODEL, passport: { ...passport, signature } }] };
}

/** Submits one job, or a few, under a key. Answers their ids. */
export async function submit(send: Send, key: string): Promise<string[]> {
  const job = { prompt: key, model: MODEL };
  const headers = { 'idempotency-key': key };
  if (key.length % 2 === 0) {
    const text = await expectStatus([201], send('POST', '/v1/jobs', job, headers));
    return [(JSON.parse(text) as Job).job_id];
  }
  const jobs = [job, job, job];
  const text = await expectStatus([201], send('POST', '/v1/jobs/batch', { jobs }, headers));
  return (JSON.parse(text) as { jobs: Job[] }).jobs.map(({ job_id }) => job_id);
}

/** Pays the owner of the miners under a key. Answers nothing where the owner has not earned it yet. */
export async function pay(send: Send, key: string, adminKey: string): Promise<Payout | undefined> {
  const headers = { 'idempotency-key': key, 'x-api-key': adminKey };
  const body = { to: address, amount: 0.000001, method: 'cash' };
  const text = await expectStatus([201, 404, 409], send('POST', '/v1/payouts', body, headers));
  const answer = JSON.parse(text) as TrackedPayout & Partial<Pick<Problem, 'error_code'>>;
  if (answer.payout) return answer.payout;
  if (answer.error_code === 'ACCOUNT_NOT_FOUND' || answer.error_code === 'PAYOUT_TOO_LARGE') return undefined;
  throw new Error(`A payout was answered ${text}`);
}

async function expectStatus(statuses: readonly number[], reply: Promise<Reply>): Promise<string> {
  const { status, text } = await reply;
  if (!statuses.includes(status)) throw new Error(`Expected ${statuses}, was answered ${status} ${text}`);
  return text;
}
