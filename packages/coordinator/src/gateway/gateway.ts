import type { Job, ModelPrice, OfferedModel } from '@aitbc/protocol';
import type { Principal } from '../accounts/keys.ts';
import { RequestError } from '../errors.ts';
import type { ModelJob } from '../jobs/requirements.ts';
import type { JobEvents } from '../jobs/streaming/follow-job.ts';
import type { ClientJobs } from '../jobs/submitting/client-jobs.ts';
import { isAllowedModel, type ModelAliases, modelNamed } from '../jobs/submitting/model-aliases.ts';
import type { OfferedAbilities, Reach } from '../miners/directory.ts';
import { NEEDS, type Need } from '../miners/eligibility.ts';
import type { ModelDirectory, ModelSummary } from '../miners/models.ts';
import type { AnsweredJob, Endpoint, ModelRequest, Pieces } from './endpoint.ts';
import { jobFailure, modelNotFound, modelUnavailable, STOPPING, unsupportedByModel } from './errors.ts';
import { mergeGenerators } from './merge-generators.ts';
import { streamChoice } from './stream-choice.ts';

export interface GatewayRequest {
  endpoint: Endpoint;
  parsed: ModelRequest;
  /** Repeating a request with the same key creates no new jobs. */
  idempotencyKey: string | undefined;
  /** The request's place in a trace. */
  traceparent?: string | undefined;
  /** Aborts when the client disconnects. The jobs are then cancelled. */
  signal: AbortSignal;
  /** Told when a miner runs a job of a stream. */
  onRunning?: (jobId: string, minerId: string) => void;
}

/** The jobs of a request: one for each choice of its answer. */
type RequestJobs = readonly [Job, ...Job[]];

/** Each method throws OpenAiError, and RequestError for errors of the job rules. */
export interface Gateway {
  /** Creates the jobs of a request and returns them without waiting for them. */
  submit(principal: Principal, request: GatewayRequest): Promise<RequestJobs>;
  /** Waits until the jobs have completed, and returns them with the body of the answer. */
  answer(
    principal: Principal,
    jobs: RequestJobs,
    request: GatewayRequest,
  ): Promise<{ jobs: RequestJobs; body: object }>;
  /**
   * Returns the bodies of the stream events as they arrive. The caller must read the iterable or end it: leaving it
   * cancels the jobs that have not ended.
   */
  pieces(principal: Principal, jobs: RequestJobs, request: GatewayRequest): Promise<AsyncIterable<object>>;
  models(principal: Principal): Promise<OfferedModel[]>;
  model(principal: Principal, id: string): Promise<OfferedModel>;
}

export interface GatewayOptions {
  jobs: ClientJobs;
  events: JobEvents;
  models: ModelDirectory;
  aliases: ModelAliases;
  priceOf(model: string): ModelPrice;
}

export function createGateway({ jobs, events, models, aliases, priceOf }: GatewayOptions): Gateway {
  /** Cancels those of the jobs that have not ended: the client is gone, or one of the jobs has failed. */
  async function cancel(principal: Principal, started: RequestJobs): Promise<void> {
    await Promise.all(
      started.map(({ job_id }) =>
        jobs.cancel(principal, job_id).catch(error => {
          if (!(error instanceof RequestError)) throw error;
        }),
      ),
    );
  }

  /** Throws OpenAiError if no miner that offers the model can run the job. */
  function requireCapableMiner({ model }: ModelJob, { miners, reason, lacks }: Reach): void {
    if (miners > 0) return;
    requireOffered(model);
    throw unsupportedByModel(
      reason ?? `No miner can run this request with the model ${model}`,
      lacks.includes('context_length'),
    );
  }

  function requireOffered(model: string): void {
    if (!models.has(model)) throw models.wasThere(model) ? modelUnavailable(model) : modelNotFound(model);
  }

  /** Waits until the job has completed, and throws OpenAiError if it ends in any other way. */
  async function waitForCompletion(principal: Principal, { job_id }: Job, signal: AbortSignal): Promise<Job> {
    const job = await jobs.ended(principal, job_id, signal);
    if (job.status === 'pending' || job.status === 'running') throw STOPPING;
    if (job.status !== 'completed') throw jobFailure(job);
    return job;
  }

  /** Cancels those of the jobs that have not ended when the caller stops reading. */
  async function* followAll(
    principal: Principal,
    started: RequestJobs,
    choices: readonly AsyncGenerator<object, AnsweredJob>[],
    pieces: Pieces,
  ): AsyncGenerator<object> {
    let isComplete = false;
    try {
      const answered = yield* mergeGenerators(choices);
      isComplete = true;
      yield* pieces.end(answered);
    } finally {
      if (!isComplete) await cancel(principal, started);
    }
  }

  return {
    async submit(principal, { parsed: { submissions }, idempotencyKey, traceparent }) {
      const how = { admit: requireCapableMiner, traceparent };
      const { jobs: created } = await jobs.submit(principal, submissions, idempotencyKey, how);
      return atLeastOne(created);
    },

    async answer(principal, started, { endpoint, parsed, signal }) {
      try {
        const ended = atLeastOne(
          await Promise.all(started.map(job => waitForCompletion(principal, job, signal))),
        );
        return { jobs: ended, body: endpoint.answer(ended, parsed) };
      } catch (error) {
        await cancel(principal, started).catch(() => {});
        throw error;
      }
    },

    async pieces(principal, started, { endpoint, parsed, signal, onRunning }) {
      const pieces = endpoint.pieces?.(started[0], parsed);
      if (!pieces) throw new Error('The endpoint cannot stream');
      const follow = async (job: Job, index: number) => {
        const following = await events.follow(principal, job.job_id, { signal });
        return streamChoice(following ?? [], job, pieces.choice(index), onRunning);
      };
      try {
        return followAll(principal, started, await Promise.all(started.map(follow)), pieces);
      } catch (error) {
        await cancel(principal, started).catch(() => {});
        throw error;
      }
    },

    async models({ allowedModels }) {
      const offered = await models.list();
      const byModel = new Map(offered.map(summary => [summary.model, summary]));
      const names = offered.map(({ model }) => model).filter(model => !Object.hasOwn(aliases, model));
      const offeredAliases = Object.keys(aliases).filter(alias => byModel.has(modelNamed(alias, aliases)));
      return [...names, ...offeredAliases]
        .filter(name => isAllowedModel(name, aliases, allowedModels))
        .sort()
        .flatMap(name => {
          const summary = byModel.get(modelNamed(name, aliases));
          return summary ? toOfferedModel(name, summary, priceOf(summary.model)) : [];
        });
    },

    async model({ allowedModels }, id) {
      if (!isAllowedModel(id, aliases, allowedModels)) throw modelNotFound(id);
      const model = modelNamed(id, aliases);
      const found = await models.get(model);
      if (!found) requireOffered(model);
      if (!found) throw modelNotFound(model);
      return toOfferedModel(id, found, priceOf(model));
    },
  };
}

function atLeastOne(jobs: readonly Job[]): RequestJobs {
  const [first, ...others] = jobs;
  if (!first) throw new Error('A request must create at least one job');
  return [first, ...others];
}

/** @param name the model's own name, or an alias of it */
function toOfferedModel(
  name: string,
  { model, miners, loaded, slots, first_token_ms, tokens_per_second, abilities, passports }: ModelSummary,
  price: ModelPrice,
): OfferedModel {
  const { context_length } = abilities;
  const length = context_length === null ? {} : { context_length: context_length.most };
  return {
    id: name,
    object: 'model',
    created: 0,
    owned_by: 'aitbc',
    ...length,
    aitbc: {
      ...(name !== model && { alias_of: model }),
      ...{ miners, loaded, slots, time_to_first_token_ms: first_token_ms, tokens_per_second },
      ...length,
      passports,
      price,
      ...Object.fromEntries(NEEDS.flatMap(need => abilityFlag(need, abilities, miners))),
    },
  };
}

/**
 * Returns true if any miner reported the ability, false if all miners reported that they lack it, and nothing
 * otherwise.
 */
function abilityFlag(need: Need, abilities: OfferedAbilities, miners: number): [Need, boolean][] {
  const { able, unable } = abilities[need];
  if (able > 0) return [[need, true]];
  return unable === miners ? [[need, false]] : [];
}
