import type { MinerJob, MinerNotice } from '@aitbc/protocol';
import { type CoordinatorClient, isCoordinatorError } from '@aitbc/sdk';
import manifest from '../package.json' with { type: 'json' };
import { pause } from './backoff.ts';
import type { MinerEventHandler } from './events.ts';
import type { Link } from './link.ts';
import { epochOf, type Registration } from './registration.ts';
import type { Slots } from './slots.ts';

/** The coordinator may wait for less time. */
const LONG_POLL_SECONDS = 25;

/** An empty answer that comes sooner means that the coordinator does not wait at present. */
const TOO_SOON_MS = 1_000;

/** How often the miner asks why it gets no jobs. */
const EXPLAIN_EVERY_MS = 60_000;

/** This agent and its version, as the coordinator is told. */
const AGENT = `aitbc-miner/${manifest.version}`;

export interface ClaimsOptions {
  client: CoordinatorClient;
  minerId: string;
  slots: Slots;
  registration: Registration;
  link: Link;
  emit: MinerEventHandler;
  maxJobs: number;
  start: (job: MinerJob) => void;
  /** Hands back a job that can no longer be started. */
  release: (jobId: string) => Promise<void>;
}

export interface Claims {
  /** Aborts the claim under way. Resolves once no answer to it can bring jobs any more. */
  interrupt(): Promise<void>;
  /**
   * Claims jobs for free slots until the signal aborts or `maxJobs` are reached. Rejects when the coordinator
   * answers with a permanent error.
   */
  loop(signal: AbortSignal): Promise<void>;
}

export function createClaims(options: ClaimsOptions): Claims {
  const { client, minerId, slots, registration, link, emit, maxJobs, start, release } = options;
  let count = 0;
  let explainedAt = Number.NEGATIVE_INFINITY;
  /** The ids of the notices that were shown. A coordinator has few at a time. */
  const told = new Set<string>();
  let underWay: Promise<unknown> = Promise.resolve();
  let interruption = new AbortController();

  function accept(job: MinerJob): void {
    count++;
    // The job still runs when its lease ran out and came back to this miner. The run then serves the new
    // lease too.
    if (!slots.running.has(job.job_id)) start(job);
  }

  function tell(notice: MinerNotice): void {
    if (told.has(notice.id)) return;
    told.add(notice.id);
    emit({ event: 'notice', ...notice });
  }

  async function claim(signal: AbortSignal): Promise<void> {
    const max = Math.min(slots.free, maxJobs - count);
    const asked = performance.now();
    const explain = asked >= explainedAt + EXPLAIN_EVERY_MS;
    const { jobs, idle } = await client.miners.claim(minerId, {
      ...{ max, wait: LONG_POLL_SECONDS, explain, agent: AGENT, signal, maxRetries: 0 },
      ...epochOf(registration.epoch),
    });
    link.up();
    if (idle) {
      explainedAt = asked;
      const { notices = [], ...report } = idle;
      emit({ event: 'idle', ...report });
      for (const notice of notices) tell(notice);
    }
    if (signal.aborted) return await handBack(jobs);
    for (const job of jobs) accept(job);
    if (jobs.length === 0 && performance.now() - asked < TOO_SOON_MS) await pause(TOO_SOON_MS, signal);
  }

  /** Failures are ignored: the next heartbeat or the final deregistration hands the jobs back. */
  async function handBack(jobs: readonly MinerJob[]): Promise<void> {
    await Promise.allSettled(jobs.map(job => release(job.job_id)));
  }

  async function claimOrMend(signal: AbortSignal): Promise<void> {
    interruption = new AbortController();
    const any = AbortSignal.any([signal, registration.open, interruption.signal]);
    try {
      await claim(any);
    } catch (error) {
      if (any.aborted) return;
      if (isCoordinatorError(error, 'MINER_NOT_FOUND')) await registration.register(signal);
      else await pause(link.failed(error), signal);
    }
  }

  return {
    async interrupt() {
      interruption.abort();
      await underWay;
    },
    async loop(signal) {
      while (!signal.aborted && count < maxJobs) {
        await slots.whenFree(signal);
        await registration.whenOpen(signal);
        if (signal.aborted) return;
        const claiming = claimOrMend(signal);
        underWay = claiming.catch(() => {});
        await claiming;
      }
    },
  };
}
