import {
  type AnswerDetails,
  type CompleteJob,
  type FailJob,
  type HeartbeatAnswer,
  type JobOutcome,
  LIMITS,
  type MinerJob,
  type TokenUsage,
} from '@aitbc/protocol';
import { accountScope, type Principal } from '../../accounts/keys.ts';
import { fail } from '../../errors.ts';
import type { Ids } from '../../ids.ts';
import type { Limits } from '../../limits/limits.ts';
import { heartbeatSeconds, type MinerRegistry } from '../../miners/miners.ts';
import type { MinerConfig } from '../../miners/options.ts';
import type { MinerCaller } from '../../miners/register.ts';
import { type Operation, unwrap } from '../../store/operation.ts';
import type { Store } from '../../store/store.ts';
import type { SpotCheck } from '../../store/topics.ts';
import type { JobRow } from '../job.ts';
import { jobNotFound, type MinerActor } from '../lookup.ts';
import { findJob, isAnyCancelled } from '../queries.ts';
import type { SchedulingConfig } from '../scheduling/options.ts';
import { type LazySignal, LOOK_AGAIN_MS, type Waits } from '../scheduling/waiting.ts';
import type { TakeInput } from './claim.ts';
import type { ClaimInput } from './claim-by-id.ts';
import { claimOrWait } from './claim-long-poll.ts';
import { type CompleteInput, isAttested } from './complete.ts';
import type { GiveUpInput } from './fail.ts';
import { type HeartbeatInput, type HeartbeatOutcome, releaseAll } from './heartbeat.ts';
import type { HeldJob } from './held-job.ts';
import { toHeartbeatAnswer, toMinerJob, toOutcome } from './lease-views.ts';
import type { LeaseConfig } from './options.ts';
import { failResult, isOfItsType } from './result-type.ts';

export interface MinerJobsOptions {
  config: LeaseConfig & SchedulingConfig & Pick<MinerConfig, 'minerTimeoutSeconds'>;
  store: Store;
  ids: Ids;
  miners: MinerRegistry;
  drawSpotCheck(minerId: string): SpotCheck | undefined;
  waits: Waits;
  limits: Pick<Limits, 'countWait'>;
  operations: {
    takeJobs: Operation<TakeInput, HeldJob[]>;
    claimJob: Operation<ClaimInput, HeldJob>;
    completeJobs: Operation<CompleteInput, string>;
    giveUpJobs: Operation<GiveUpInput, JobRow>;
    beatMiners: Operation<HeartbeatInput, HeartbeatOutcome>;
  };
}

/** What a miner reports in a heartbeat. */
export type BeatRequest = Pick<HeartbeatInput, 'believes' | 'loaded'> & { waitSeconds: number };

export interface TakeRequest extends MinerCaller {
  max: number;
  waitSeconds: number;
  offer: boolean;
}

/** What miners do with jobs. Each method throws RequestError. */
export interface MinerJobs {
  /** Returns the jobs that the miner should run next. Waits for a first one until `callerSignal` aborts. */
  take(principal: Principal, request: TakeRequest, callerSignal: LazySignal): Promise<MinerJob[]>;
  claim(principal: Principal, jobId: string, caller: MinerCaller): Promise<MinerJob>;
  /** Returns the receipt as JSON. */
  complete(principal: Principal, jobId: string, request: CompleteJob): Promise<string>;
  fail(principal: Principal, jobId: string, request: FailJob): Promise<JobOutcome>;
  release(principal: Principal, jobId: string, caller: MinerCaller): Promise<JobOutcome>;
  /** Extends leases, then waits for a job to stop, until `callerSignal` aborts. */
  heartbeat(
    principal: Principal,
    caller: MinerCaller,
    request: BeatRequest,
    callerSignal: LazySignal,
  ): Promise<HeartbeatAnswer>;
  releaseAll(principal: Principal, caller: MinerCaller): Promise<void>;
}

export function createMinerJobs(options: MinerJobsOptions): MinerJobs {
  const { config, store, ids, miners, drawSpotCheck, waits, limits, operations } = options;
  const actor = (principal: Principal, { minerId, epoch }: MinerCaller): MinerActor => ({
    ...{ minerId, epoch, ownerId: accountScope(principal) },
  });
  const actorOf = (principal: Principal, { miner_id, epoch }: { miner_id: string; epoch?: number }) =>
    actor(principal, { minerId: miner_id, epoch });

  /** Verifies a miner's signature before the transaction. The parts of the job that it covers never change. */
  async function verifySignature(
    jobId: string,
    { result, signature }: CompleteJob,
  ): Promise<CompleteInput['attestation']> {
    if (!signature) return undefined;
    const job = await findJob(store.read, jobId);
    const { alg, key_id, sig } = signature;
    const bare = { alg, key_id, sig };
    return { signature: bare, genuine: job !== undefined && (await isAttested(job, result, bare)) };
  }

  const beat = async (input: HeartbeatInput) => unwrap(await store.write(operations.beatMiners, input));

  async function beatUntilStop(
    input: HeartbeatInput,
    waitMs: number,
    callerSignal: AbortSignal,
  ): Promise<HeartbeatOutcome> {
    const over = new AbortController();
    const signal = AbortSignal.any([callerSignal, over.signal]);
    const until = performance.now() + waitMs;
    let { believes } = input;
    let outcome: HeartbeatOutcome | undefined;
    try {
      for (;;) {
        // The wait begins before the check, so that no change in between is missed.
        const leftMs = until - performance.now();
        const withdrawn = waits.forWithdrawal(input.minerId, Math.min(leftMs, LOOK_AGAIN_MS), signal);
        outcome ??= await beat({ ...input, believes });
        if (outcome.stop.length > 0 || leftMs <= 0 || signal.aborted || waits.closed) return outcome;
        const jobId = await withdrawn;
        // The job may have been claimed after this request began.
        if (jobId !== undefined && !believes.includes(jobId)) believes = [...believes, jobId];
        if (jobId !== undefined || (await isAnyCancelled(store.read, believes))) outcome = undefined;
      }
    } finally {
      over.abort();
    }
  }

  /**
   * Returns jobs at once that were leased to a disconnected caller. Otherwise they would wait for their leases to
   * expire.
   */
  async function returnJobs(taken: readonly HeldJob[], actor: MinerActor): Promise<[]> {
    await Promise.all(
      taken.map(({ job }) => store.write(operations.giveUpJobs, { ...actor, jobId: job.id, unseen: true })),
    );
    return [];
  }

  return {
    async take(principal, { max, waitSeconds, offer, ...caller }, callerSignal) {
      const input = { ...actor(principal, caller), max, offer };
      const takeNow = async () => unwrap(await store.write(operations.takeJobs, input));
      const waitMs = Math.min(waitSeconds, config.maxWaitSeconds) * 1000;
      if (waitMs === 0) return (await takeNow()).map(toMinerJob);
      const waitingMiner = {
        ...(await miners.standing(principal, caller.minerId)),
        since: performance.now(),
      };
      const gone = callerSignal();
      const over = limits.countWait(principal);
      const aliveMs = (config.minerTimeoutSeconds * 1000) / 3;
      const polling = { waits, waitMs, aliveMs, signal: gone };
      const taken = await claimOrWait(takeNow, waitingMiner, polling).finally(over);
      if (gone.aborted && !offer) return await returnJobs(taken, input);
      return taken.map(toMinerJob);
    },

    async claim(principal, jobId, caller) {
      return toMinerJob(
        unwrap(await store.write(operations.claimJob, { ...actor(principal, caller), jobId })),
      );
    },

    async complete(principal, jobId, request) {
      if (!isOfItsType(request)) {
        if (!(await findJob(store.read, jobId))) unwrap(jobNotFound);
        failResult(request);
      }
      const attestation = await verifySignature(jobId, request);
      const outcome = await store.write(operations.completeJobs, {
        ...actorOf(principal, request),
        jobId,
        receiptId: ids.next('rcpt'),
        nonce: ids.hex(16),
        result: request.result,
        resultType: request.result_type,
        finishReason: request.finish_reason,
        reportedAt: request.completed_at === undefined ? undefined : readTime(request.completed_at),
        usage: countsOf(request.usage),
        details: detailsOf(request),
        ...(attestation && { attestation }),
        spotCheck: drawSpotCheck(request.miner_id),
      });
      return unwrap(outcome);
    },

    async fail(
      principal,
      jobId,
      { error, error_class, engine_code, retry_after, retryable = true, ...caller },
    ) {
      const failure = {
        ...{ error, retryable, errorClass: error_class, engineCode: engine_code },
        retryAfterMs: retry_after === undefined ? undefined : retry_after * 1000,
      };
      const input = { ...actorOf(principal, caller), jobId, failure };
      return toOutcome(unwrap(await store.write(operations.giveUpJobs, input)));
    },

    async release(principal, jobId, caller) {
      return toOutcome(
        unwrap(await store.write(operations.giveUpJobs, { ...actor(principal, caller), jobId })),
      );
    },

    async heartbeat(principal, caller, { believes, loaded, waitSeconds }, callerSignal) {
      const waitMs = Math.min(waitSeconds, config.maxWaitSeconds) * 1000;
      const input = { ...actor(principal, caller), believes, loaded };
      const outcome = await (waitMs === 0 ? beat(input) : beatUntilStop(input, waitMs, callerSignal()));
      return toHeartbeatAnswer(outcome, heartbeatSeconds(config));
    },

    async releaseAll(principal, caller) {
      unwrap(await store.write(releaseAll, actor(principal, caller)));
    },
  };
}

/**
 * Returns the token counts that a receipt may carry. Engines report much else, and sometimes invalid counts, which are
 * dropped because they say nothing about the result. Excessive counts are capped, here by the general limit and later
 * by the texts.
 */
function countsOf(usage: unknown): TokenUsage | undefined {
  if (usage === null || typeof usage !== 'object') return undefined;
  const reported = usage as Record<string, unknown>;
  const count = (name: keyof TokenUsage, most = Infinity) => {
    const value = reported[name] as number;
    return Number.isSafeInteger(value) && value >= 0 && value <= most
      ? { [name]: Math.min(value, LIMITS.tokens) }
      : {};
  };
  const counts: TokenUsage = { ...count('prompt_tokens'), ...count('completion_tokens') };
  if (Object.keys(counts).length === 0) return undefined;
  return {
    ...counts,
    ...count('cached_tokens', counts.prompt_tokens),
    ...count('reasoning_tokens', counts.completion_tokens),
  };
}

/** Returns the parts of a result beside its text, or undefined if there are none. */
function detailsOf({ reasoning, refusal, logprobs }: CompleteJob): AnswerDetails | undefined {
  if (!reasoning && !refusal && !logprobs) return undefined;
  return { ...(reasoning && { reasoning }), ...(refusal && { refusal }), ...(logprobs && { logprobs }) };
}

/** Returns Unix milliseconds. A time without an offset is UTC. */
function readTime(text: string): number {
  const ms = Date.parse(/(z|[+-]\d\d(:?\d\d)?)$/i.test(text) ? text : `${text}Z`);
  if (Number.isNaN(ms))
    fail('VALIDATION_INVALID_FORMAT', 'completed_at is not a valid time', { field: 'completed_at' });
  return ms;
}
