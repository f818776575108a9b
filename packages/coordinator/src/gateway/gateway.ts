import type { Job, OfferedModel, SubmitJob } from '@aitbc/protocol';
import type { Principal } from '../accounts/keys.ts';
import { RequestError } from '../errors.ts';
import type { JobEvents } from '../jobs/streaming/follow-job.ts';
import type { ClientJobs } from '../jobs/submitting/client-jobs.ts';
import type { OfferedAbilities, Reach } from '../miners/directory.ts';
import { NEEDS, type Need } from '../miners/eligibility.ts';
import type { ModelDirectory, OfferedModel as Offer } from '../miners/models.ts';
import type { Answered, Asked, Endpoint, Pieces } from './endpoint.ts';
import { failureOf, modelAway, modelNotFound, notAble, STOPPING } from './errors.ts';
import { merged } from './merged.ts';
import { tellPieces } from './pieces.ts';

export interface GatewayRequest {
  endpoint: Endpoint;
  asked: Asked;
  /** Repeating a request with the same key asks for nothing twice. */
  idempotencyKey: string | undefined;
  /** Aborts when nobody waits any more: the jobs are then cancelled. */
  signal: AbortSignal;
}

/** The jobs of a request, one for each choice of its answer. */
export type Jobs = readonly [Job, ...Job[]];

/** Each throws OpenAiError, and RequestError as jobs do. */
export interface Gateway {
  /** Has jobs done that answer the request. Nobody having waited for them, they have not ended. */
  submit(principal: Principal, request: GatewayRequest): Promise<Jobs>;
  /** The body of the answer, when there is one. */
  answer(principal: Principal, jobs: Jobs, request: GatewayRequest): Promise<{ jobs: Jobs; body: object }>;
  /** Bodies of the pieces of the answer, as they come. Must be read, or ended, once begun. */
  pieces(principal: Principal, jobs: Jobs, request: GatewayRequest): Promise<AsyncIterable<object>>;
  models(): Promise<OfferedModel[]>;
  model(id: string): Promise<OfferedModel>;
}

export interface GatewayOptions {
  jobs: ClientJobs;
  events: JobEvents;
  models: ModelDirectory;
}

export function createGateway({ jobs, events, models }: GatewayOptions): Gateway {
  /** Whoever asked is gone, or one of the jobs has failed: what has not ended is for nobody. */
  async function cancel(principal: Principal, started: Jobs): Promise<void> {
    await Promise.all(
      started.map(({ job_id }) =>
        jobs.cancel(principal, job_id).catch(error => {
          if (!(error instanceof RequestError)) throw error;
        }),
      ),
    );
  }

  /** Throws OpenAiError where nobody who offers the model can do what is asked. */
  function demandAble({ model }: SubmitJob, { miners, reason, lacks }: Reach): void {
    if (miners > 0) return;
    demandOffered(model);
    throw notAble(reason ?? `No miner can do this with the model ${model}`, lacks.includes('context_length'));
  }

  function demandOffered(model: string): void {
    if (!models.has(model)) throw models.wasThere(model) ? modelAway(model) : modelNotFound(model);
  }

  /** The job, when it has completed. Throws OpenAiError where it ends otherwise. */
  async function completed(principal: Principal, { job_id }: Job, signal: AbortSignal): Promise<Job> {
    const job = await jobs.ended(principal, job_id, signal);
    if (job.status === 'pending' || job.status === 'running') throw STOPPING;
    if (job.status !== 'completed') throw failureOf(job);
    return job;
  }

  /** Follows the jobs of a request; those of them that have not ended when it is left are cancelled. */
  async function* telling(
    principal: Principal,
    started: Jobs,
    choices: readonly AsyncGenerator<object, Answered>[],
    pieces: Pieces,
  ): AsyncGenerator<object> {
    let isOver = false;
    try {
      const answered = yield* merged(choices);
      isOver = true;
      yield* pieces.end(answered);
    } finally {
      if (!isOver) await cancel(principal, started);
    }
  }

  return {
    async submit(principal, { asked: { submissions }, idempotencyKey }) {
      const { jobs: made } = await jobs.submit(principal, submissions, idempotencyKey, demandAble);
      return atLeastOne(made);
    },

    async answer(principal, started, { endpoint, asked, signal }) {
      try {
        const ended = atLeastOne(await Promise.all(started.map(job => completed(principal, job, signal))));
        return { jobs: ended, body: endpoint.answer(ended, asked) };
      } catch (error) {
        await cancel(principal, started).catch(() => {});
        throw error;
      }
    },

    async pieces(principal, started, { endpoint, asked, signal }) {
      const pieces = endpoint.pieces?.(started[0], asked);
      if (!pieces) throw new Error('The endpoint answers in one piece only');
      const follow = async (job: Job, index: number) => {
        const following = await events.follow(principal, job.job_id, { signal });
        return tellPieces(following ?? [], job, pieces.choice(index));
      };
      try {
        return telling(principal, started, await Promise.all(started.map(follow)), pieces);
      } catch (error) {
        await cancel(principal, started).catch(() => {});
        throw error;
      }
    },

    async models() {
      return (await models.list()).map(offered);
    },

    async model(id) {
      const found = await models.get(id);
      if (!found) demandOffered(id);
      if (!found) throw modelNotFound(id);
      return offered(found);
    },
  };
}

function atLeastOne(jobs: readonly Job[]): Jobs {
  const [first, ...others] = jobs;
  if (!first) throw new Error('One request makes one job or more');
  return [first, ...others];
}

function offered({
  model,
  miners,
  loaded,
  slots,
  first_token_ms,
  tokens_per_second,
  abilities,
}: Offer): OfferedModel {
  const { context_length } = abilities;
  const length = context_length === null ? {} : { context_length: context_length.most };
  return {
    id: model,
    object: 'model',
    created: 0,
    owned_by: 'aitbc',
    ...length,
    aitbc: {
      ...{ miners, loaded, slots, time_to_first_token_ms: first_token_ms, tokens_per_second },
      ...length,
      ...Object.fromEntries(NEEDS.flatMap(need => told(need, abilities, miners))),
    },
  };
}

/** Whether one can, where all say or one says that it can: a miner that does not say counts as able. */
function told(need: Need, abilities: OfferedAbilities, miners: number): [Need, boolean][] {
  const { able, unable } = abilities[need];
  if (able > 0) return [[need, true]];
  return unable === miners ? [[need, false]] : [];
}
