import type { CompleteJob, FailJob, HeartbeatAnswer, JobOutcome, MinerJob } from '@aitbc/protocol';
import { accountScope, type Principal } from '../accounts/keys.ts';
import type { Config } from '../config.ts';
import type { Ids } from '../ids.ts';
import type { Abilities } from '../miners/eligibility.ts';
import { heartbeatSeconds, type Miners } from '../miners/miners.ts';
import type { ReceiptTerms } from '../receipts/receipt.ts';
import { refuse, unwrap } from '../store/operation.ts';
import type { Store } from '../store/store.ts';
import { type ClaimTerms, claimJob, type HeldJob, takeJobs } from './claim.ts';
import { completeJobs } from './complete.ts';
import { giveUpJobs } from './give-up.ts';
import { beatMiners, releaseAll } from './heartbeat.ts';
import type { MinerActor } from './lookup.ts';
import { isoTime, toMinerJob, toOutcome } from './views.ts';
import type { Waits } from './waiting.ts';

export interface MinerJobsOptions {
  config: Config;
  store: Store;
  ids: Ids;
  miners: Miners;
  waits: Waits;
  receiptTerms: ReceiptTerms;
  claimTerms: ClaimTerms;
}

export interface TakeRequest {
  minerId: string;
  max: number;
  waitSeconds: number;
  offer: boolean;
}

/** What miners do with jobs. Each throws Refused. */
export interface MinerJobs {
  /** The jobs the miner should run next; waits for a first one, until `hangUp` aborts. */
  take(principal: Principal, request: TakeRequest, hangUp: AbortSignal): Promise<MinerJob[]>;
  claim(principal: Principal, jobId: string, minerId: string): Promise<MinerJob>;
  /** The receipt, as JSON. */
  complete(principal: Principal, jobId: string, request: CompleteJob): Promise<string>;
  fail(principal: Principal, jobId: string, request: FailJob): Promise<JobOutcome>;
  release(principal: Principal, jobId: string, minerId: string): Promise<JobOutcome>;
  heartbeat(principal: Principal, minerId: string, believes: readonly string[]): Promise<HeartbeatAnswer>;
  releaseAll(principal: Principal, minerId: string): Promise<void>;
}

/** A waiting miner looks again after so long even when nothing woke it: a lost wake-up costs time, never a job. */
const LOOK_AGAIN_MS = 5_000;

export function createMinerJobs(options: MinerJobsOptions): MinerJobs {
  const { config, store, ids, miners, waits, receiptTerms, claimTerms } = options;
  const take = takeJobs(claimTerms);
  const claim = claimJob(claimTerms);
  const complete = completeJobs(receiptTerms);
  const giveUp = giveUpJobs(claimTerms);
  const beat = beatMiners(claimTerms);
  const actor = (principal: Principal, minerId: string) => ({ minerId, ownerId: accountScope(principal) });

  async function waitAndTake(
    takeNow: () => Promise<HeldJob[]>,
    abilities: Abilities,
    waitMs: number,
    hangUp: AbortSignal,
  ): Promise<HeldJob[]> {
    const until = performance.now() + waitMs;
    for (;;) {
      const ready = waits.readyCount(abilities);
      const jobs = await takeNow();
      const leftMs = until - performance.now();
      if (jobs.length > 0 || leftMs <= 0 || waits.closed) return jobs;
      if (waits.readyCount(abilities) === ready)
        await waits.forWork(abilities, Math.min(leftMs, LOOK_AGAIN_MS), hangUp);
      if (hangUp.aborted) return [];
    }
  }

  /** Nobody is there to run them: better now than when their leases run out. */
  async function handBack(taken: readonly HeldJob[], actor: MinerActor): Promise<[]> {
    await Promise.all(taken.map(({ job }) => store.write(giveUp, { ...actor, jobId: job.id })));
    return [];
  }

  return {
    async take(principal, { minerId, max, waitSeconds, offer }, hangUp) {
      const input = { ...actor(principal, minerId), max, offer };
      const takeNow = async () => unwrap(await store.write(take, input));
      const waitMs = Math.min(waitSeconds, config.maxWaitSeconds) * 1000;
      if (waitMs === 0) return (await takeNow()).map(toMinerJob);
      const abilities = await miners.abilities(principal, minerId);
      const taken = await waitAndTake(takeNow, abilities, waitMs, hangUp);
      if (hangUp.aborted && !offer) return await handBack(taken, input);
      return taken.map(toMinerJob);
    },

    async claim(principal, jobId, minerId) {
      return toMinerJob(unwrap(await store.write(claim, { ...actor(principal, minerId), jobId })));
    },

    async complete(principal, jobId, request) {
      const outcome = await store.write(complete, {
        ...actor(principal, request.miner_id),
        jobId,
        receiptId: ids.next('rcpt'),
        nonce: ids.hex(16),
        result: request.result,
        reportedAt: request.completed_at === undefined ? undefined : readTime(request.completed_at),
        usage: request.usage,
        signature: request.signature,
      });
      return unwrap(outcome);
    },

    async fail(principal, jobId, { miner_id, error, retryable = true }) {
      const input = { ...actor(principal, miner_id), jobId, failure: { error, retryable } };
      return toOutcome(unwrap(await store.write(giveUp, input)));
    },

    async release(principal, jobId, minerId) {
      return toOutcome(unwrap(await store.write(giveUp, { ...actor(principal, minerId), jobId })));
    },

    async heartbeat(principal, minerId, believes) {
      const { miner, holds, stop } = unwrap(
        await store.write(beat, { ...actor(principal, minerId), believes }),
      );
      return {
        miner_id: miner.id,
        status: miner.status === 'removed' ? 'offline' : miner.status,
        heartbeat_seconds: heartbeatSeconds(config),
        jobs: holds.map(job => ({
          job_id: job.id,
          lease_expires_at: isoTime(job.lease_expires_at ?? 0),
          deadline: isoTime(job.deadline ?? 0),
        })),
        stop: stop.map(({ jobId, status }) => ({ job_id: jobId, status })),
      };
    },

    async releaseAll(principal, minerId) {
      unwrap(await store.write(releaseAll, actor(principal, minerId)));
    },
  };
}

/** Milliseconds since the epoch. A time without an offset is UTC. */
function readTime(text: string): number {
  const ms = Date.parse(/(z|[+-]\d\d(:?\d\d)?)$/i.test(text) ? text : `${text}Z`);
  if (Number.isNaN(ms))
    refuse('VALIDATION_INVALID_FORMAT', 'completed_at is no time that exists', { field: 'completed_at' });
  return ms;
}
