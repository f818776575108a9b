import type { ClaimJob, CompleteJob, FailJob, HeartbeatAnswer, JobOutcome, MinerJob } from '@aitbc/protocol';
import { accountScope, type Principal } from '../../accounts/keys.ts';
import type { Ids } from '../../ids.ts';
import type { Limits } from '../../limits/limits.ts';
import { heartbeatSeconds, type MinerRegistry } from '../../miners/miners.ts';
import type { MinerConfig } from '../../miners/options.ts';
import type { MinerCaller } from '../../miners/register.ts';
import { type Operation, unwrap } from '../../store/operation.ts';
import type { Store } from '../../store/store.ts';
import type { SpotCheck } from '../../store/topics.ts';
import type { JobTraces } from '../../tracing/job-traces.ts';
import type { JobRow } from '../job.ts';
import { jobNotFound, type MinerActor } from '../lookup.ts';
import { findJob, isAnyCancelled } from '../queries.ts';
import { lookUntil } from '../scheduling/look-until.ts';
import type { SchedulingConfig } from '../scheduling/options.ts';
import type { LazySignal, Waits } from '../scheduling/waiting.ts';
import type { TakeInput } from './claim.ts';
import type { ClaimInput } from './claim-by-id.ts';
import { claimOrWait } from './claim-long-poll.ts';
import { type CompleteInput, isAttested } from './complete.ts';
import { reportOf } from './completion-request.ts';
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
  traces: Pick<JobTraces, 'traceparentFor'>;
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
export class MinerJobs {
  readonly #options: MinerJobsOptions;
  readonly #show = (held: HeldJob) => toMinerJob(held, this.#options.traces.traceparentFor(held.job));

  constructor(options: MinerJobsOptions) {
    this.#options = options;
  }

  /** Returns the jobs that the miner should run next. Waits for a first one until `callerSignal` aborts. */
  async take(
    principal: Principal,
    { max, waitSeconds, offer, ...caller }: TakeRequest,
    callerSignal: LazySignal,
  ): Promise<MinerJob[]> {
    const { config, store, operations, miners, limits, waits } = this.#options;
    const input = { ...actor(principal, caller), max, offer };
    const takeNow = async () => unwrap(await store.write(operations.takeJobs, input));
    const waitMs = this.#waitMs(waitSeconds);
    if (waitMs === 0) return (await takeNow()).map(this.#show);
    const waitingMiner = {
      ...(await miners.standing(principal, caller.minerId)),
      since: performance.now(),
    };
    const gone = callerSignal();
    const over = limits.countWait(principal);
    const aliveMs = (config.minerTimeoutSeconds * 1000) / 3;
    const polling = { waits, waitMs, aliveMs, signal: gone };
    const taken = await claimOrWait(takeNow, waitingMiner, polling).finally(over);
    if (gone.aborted && !offer) return await this.#returnJobs(taken, input);
    return taken.map(this.#show);
  }

  async claim(principal: Principal, jobId: string, caller: MinerCaller): Promise<MinerJob> {
    const { store, operations } = this.#options;
    return this.#show(unwrap(await store.write(operations.claimJob, { ...actor(principal, caller), jobId })));
  }

  /** Returns the receipt as JSON. */
  async complete(principal: Principal, jobId: string, request: CompleteJob): Promise<string> {
    const { store, operations, ids, drawSpotCheck } = this.#options;
    if (!isOfItsType(request)) {
      if (!(await findJob(store, jobId))) unwrap(jobNotFound);
      failResult(request);
    }
    const attestation = await this.#verifySignature(jobId, request);
    const outcome = await store.write(operations.completeJobs, {
      ...actor(principal, callerOf(request)),
      jobId,
      receiptId: ids.next('rcpt'),
      nonce: ids.hex(16),
      ...reportOf(request),
      ...(attestation && { attestation }),
      spotCheck: drawSpotCheck(request.miner_id),
    });
    return unwrap(outcome);
  }

  async fail(principal: Principal, jobId: string, request: FailJob): Promise<JobOutcome> {
    const { error, error_class, engine_code, retry_after, retryable = true } = request;
    const failure = {
      ...{ error, retryable, errorClass: error_class, engineCode: engine_code },
      retryAfterMs: retry_after === undefined ? undefined : retry_after * 1000,
    };
    return await this.#giveUp({ ...actor(principal, callerOf(request)), jobId, failure });
  }

  async release(principal: Principal, jobId: string, caller: MinerCaller): Promise<JobOutcome> {
    return await this.#giveUp({ ...actor(principal, caller), jobId });
  }

  /** Extends leases, then waits for a job to stop, until `callerSignal` aborts. */
  async heartbeat(
    principal: Principal,
    caller: MinerCaller,
    { believes, loaded, waitSeconds }: BeatRequest,
    callerSignal: LazySignal,
  ): Promise<HeartbeatAnswer> {
    const waitMs = this.#waitMs(waitSeconds);
    const input = { ...actor(principal, caller), believes, loaded };
    const outcome = await (waitMs === 0
      ? this.#beat(input)
      : this.#beatUntilStop(input, waitMs, callerSignal()));
    return toHeartbeatAnswer(outcome, heartbeatSeconds(this.#options.config));
  }

  async releaseAll(principal: Principal, caller: MinerCaller): Promise<void> {
    unwrap(await this.#options.store.write(releaseAll, actor(principal, caller)));
  }

  #waitMs(seconds: number): number {
    return Math.min(seconds, this.#options.config.maxWaitSeconds) * 1000;
  }

  async #beat(input: HeartbeatInput): Promise<HeartbeatOutcome> {
    return unwrap(await this.#options.store.write(this.#options.operations.beatMiners, input));
  }

  async #beatUntilStop(
    input: HeartbeatInput,
    waitMs: number,
    signal: AbortSignal,
  ): Promise<HeartbeatOutcome> {
    const { store, waits } = this.#options;
    let { believes } = input;
    let outcome: HeartbeatOutcome | undefined;
    return await lookUntil(
      (ms, signal) => waits.forWithdrawal(input.minerId, ms, signal),
      async jobId => {
        // The job may have been claimed after this request began.
        if (jobId !== undefined && !believes.includes(jobId)) believes = [...believes, jobId];
        if (!outcome || jobId !== undefined || (await isAnyCancelled(store.read, believes)))
          outcome = await this.#beat({ ...input, believes });
        return { value: outcome, isOver: outcome.stop.length > 0 };
      },
      { waits, waitMs, signal },
    );
  }

  async #giveUp(input: GiveUpInput): Promise<JobOutcome> {
    const { store, operations } = this.#options;
    return toOutcome(unwrap(await store.write(operations.giveUpJobs, input)));
  }

  /**
   * Returns jobs at once that were leased to a disconnected caller. Otherwise they would wait for their leases to
   * expire.
   */
  async #returnJobs(taken: readonly HeldJob[], actor: MinerActor): Promise<[]> {
    const { store, operations } = this.#options;
    await Promise.all(
      taken.map(({ job }) => store.write(operations.giveUpJobs, { ...actor, jobId: job.id, unseen: true })),
    );
    return [];
  }

  /** Verifies a miner's signature before the transaction. The parts of the job that it covers never change. */
  async #verifySignature(
    jobId: string,
    { result, signature }: CompleteJob,
  ): Promise<CompleteInput['attestation']> {
    if (!signature) return undefined;
    const job = await findJob(this.#options.store, jobId);
    const { alg, key_id, sig } = signature;
    const bare = { alg, key_id, sig };
    return { signature: bare, genuine: job !== undefined && (await isAttested(job, result, bare)) };
  }
}

const callerOf = ({ miner_id, epoch }: ClaimJob): MinerCaller => ({ minerId: miner_id, epoch });

const actor = (principal: Principal, { minerId, epoch }: MinerCaller): MinerActor => ({
  ...{ minerId, epoch, ownerId: accountScope(principal) },
});
