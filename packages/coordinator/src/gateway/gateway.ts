import type { Job, NumberedJobEvent, OfferedModel } from '@aitbc/protocol';
import type { Principal } from '../accounts/keys.ts';
import type { ClientJobs } from '../jobs/client-jobs.ts';
import type { JobEvents } from '../jobs/follow.ts';
import type { ModelDirectory, OfferedModel as Offer } from '../miners/models.ts';
import { Refused } from '../store/operation.ts';
import type { Asked, Endpoint } from './endpoint.ts';
import { failureOf, modelNotFound, STOPPING } from './errors.ts';
import { tellPieces } from './pieces.ts';

export interface GatewayRequest {
  endpoint: Endpoint;
  asked: Asked;
  /** Repeating a request with the same key asks for nothing twice. */
  idempotencyKey: string | undefined;
  /** Aborts when nobody waits any more: the job is then cancelled. */
  signal: AbortSignal;
}

/** Each throws OpenAiError, and Refused as jobs do. */
export interface Gateway {
  /** Has a job done that answers the request. Nobody having waited for it, it has not ended. */
  submit(principal: Principal, request: GatewayRequest): Promise<Job>;
  /** The body of the answer, when there is one. */
  answer(principal: Principal, job: Job, request: GatewayRequest): Promise<{ job: Job; body: object }>;
  /** Bodies of the pieces of the answer, as they come. Must be read, or ended, once begun. */
  pieces(principal: Principal, job: Job, request: GatewayRequest): Promise<AsyncIterable<object>>;
  models(): Promise<OfferedModel[]>;
  model(id: string): Promise<OfferedModel>;
}

export interface GatewayOptions {
  jobs: ClientJobs;
  events: JobEvents;
  models: ModelDirectory;
}

export function createGateway({ jobs, events, models }: GatewayOptions): Gateway {
  /** Who asked is gone: what has not ended is for nobody. */
  async function cancel(principal: Principal, { job_id }: Job): Promise<void> {
    await jobs.cancel(principal, job_id).catch(error => {
      if (!(error instanceof Refused)) throw error;
    });
  }

  async function* cancelling(
    principal: Principal,
    job: Job,
    pieces: AsyncIterable<object>,
  ): AsyncGenerator<object> {
    let isOver = false;
    try {
      yield* pieces;
      isOver = true;
    } finally {
      if (!isOver) await cancel(principal, job);
    }
  }

  return {
    async submit(principal, { asked: { submission }, idempotencyKey }) {
      if (!models.has(submission.model)) throw modelNotFound(submission.model);
      const { jobs: made } = await jobs.submit(principal, [submission], idempotencyKey);
      const [job] = made;
      if (!job) throw new Error('One request makes one job');
      return job;
    },

    async answer(principal, started, { endpoint, asked, signal }) {
      const job = await jobs.ended(principal, started.job_id, signal).catch(async error => {
        await cancel(principal, started).catch(() => {});
        throw error;
      });
      if (job.status === 'pending' || job.status === 'running') {
        await cancel(principal, job);
        throw STOPPING;
      }
      if (job.status !== 'completed') throw failureOf(job);
      return { job, body: endpoint.answer(job, asked) };
    },

    async pieces(principal, job, { endpoint, asked, signal }) {
      const telling = endpoint.pieces?.(job, asked);
      if (!telling) throw new Error('The endpoint answers in one piece only');
      let following: AsyncIterable<NumberedJobEvent> | undefined;
      try {
        following = await events.follow(principal, job.job_id, { signal });
      } catch (error) {
        await cancel(principal, job).catch(() => {});
        throw error;
      }
      return cancelling(principal, job, tellPieces(following ?? [], job, telling));
    },

    async models() {
      return (await models.list()).map(offered);
    },

    async model(id) {
      const found = await models.get(id);
      if (!found) throw modelNotFound(id);
      return offered(found);
    },
  };
}

const offered = ({
  model,
  miners,
  loaded,
  slots,
  first_token_ms,
  tokens_per_second,
}: Offer): OfferedModel => ({
  id: model,
  object: 'model',
  created: 0,
  owned_by: 'aitbc',
  aitbc: { miners, loaded, slots, time_to_first_token_ms: first_token_ms, tokens_per_second },
});
