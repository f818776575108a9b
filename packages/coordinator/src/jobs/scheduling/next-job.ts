import { abilitiesOf, isLoaded, mismatch } from '../../miners/eligibility.ts';
import { CLOCKS, READY_JOBS, WAITING_QUEUES } from '../../store/indexes.ts';
import type { WriteContext } from '../../store/operation.ts';
import type { Row } from '../../store/schema.ts';
import { partReadable } from '../damaged-jobs.ts';
import { createOthers, type Exclusions, exclusionsOf, isExcluded } from '../exclusions.ts';
import type { JobRow } from '../job.ts';
import { createAssignments } from './assignments.ts';
import { advance, type Clock, type FairQueue } from './fairness.ts';
import type { Yielding } from './priority-share.ts';

/** How many jobs from the head of a queue are searched if some of them are not for every miner. */
const SEARCH_DEPTH = 200;

/** For how many jobs that exclude a miner one search asks whether other miners could run them. */
const MAX_EXCLUSION_CHECKS = 5;

/**
 * The most damaged rows at the head of a queue that one batch skips. They are ended, so the next batch finds others.
 */
const MAX_DAMAGED = 500;

interface WaitingQueue extends FairQueue {
  /** The first jobs of the queue in order. Read when first needed. */
  jobs?: JobRow[];
}

/**
 * The ready jobs that the miners of a batch may take. A queue is read from its head, only as far as the batch can use,
 * so the cost does not grow with the backlog.
 */
export interface ReadyJobs {
  /** Takes the job that this miner should run next, or returns undefined. */
  take(miner: Row<'miner'>): Promise<JobRow | undefined>;
  /** Returns the abilities that a waiting job requires, from its queue. */
  needsOf(job: JobRow): string;
  /** Jobs that were skipped because their rows are damaged. */
  readonly damaged: readonly JobRow[];
  /** Records which owner got each job, and advances the fair-queueing clocks to these jobs' ranks. */
  started(jobs: readonly JobRow[]): Promise<void>;
}

export interface PreferencePolicy {
  /** How long jobs of models that a miner has not loaded are passed over for jobs of loaded ones, in ms. */
  loadedPreferenceMs: number;
  yieldsTurn: Yielding;
}

export async function readReadyJobs(
  miners: readonly Row<'miner'>[],
  most: number,
  { loadedPreferenceMs, yieldsTurn }: PreferencePolicy,
  { tx, now }: WriteContext,
): Promise<ReadyJobs> {
  const abilities = new Map(miners.map(miner => [miner.id, abilitiesOf(miner)]));
  const models = [...new Set([...abilities.values()].flatMap(({ capabilities }) => [...capabilities]))];
  const [queues, clockRows] = await Promise.all([tx.first(WAITING_QUEUES, models), tx.first(CLOCKS, models)]);
  const clocks = new Map(clockRows.map(clock => [clock.id, clock]));
  const fairQueues = queues.flatMap(queue => {
    const clock = clocks.get(queue.clock_id);
    return clock ? [{ queue, clock } as WaitingQueue] : [];
  });
  const fairQueuesById = new Map(fairQueues.map(fairQueue => [fairQueue.queue.id, fairQueue]));
  const assignments = createAssignments(tx);
  const others = createOthers(tx, now);
  /** Exclusions by job id, for jobs that have any. */
  const excluding = new Map<string, Exclusions>();
  const damaged: JobRow[] = [];
  const queuesByMiner = new Map<string, WaitingQueue[]>();

  async function firstReady(fairQueue: WaitingQueue, miner: Row<'miner'>): Promise<JobRow | undefined> {
    fairQueue.jobs ??= await readFirst(fairQueue.queue);
    if (fairQueue.queue.restriction === 0) return fairQueue.jobs[0];
    let asked = 0;
    for (const job of fairQueue.jobs) {
      if (!assignments.isEligible(miner, job)) continue;
      const exclusions = excluding.get(job.id);
      if (!exclusions || !isExcluded(exclusions, miner, now)) return job;
      if (asked++ < MAX_EXCLUSION_CHECKS && !(await others.exist(fairQueue.queue, exclusions))) return job;
    }
    return undefined;
  }

  async function readFirst({ id, restriction }: Row<'queue'>): Promise<JobRow[]> {
    const wanted = restriction === 0 ? most : most + SEARCH_DEPTH;
    const jobs = await readSound(id, wanted);
    await assignments.load(jobs);
    for (const job of jobs) if (job.owners !== null) excluding.set(job.id, exclusionsOf(job));
    return jobs.filter(job => job.expires_at > now);
  }

  /** Collects damaged jobs so that they are ended, and reads as many more. */
  async function readSound(queueId: number, wanted: number): Promise<JobRow[]> {
    for (let limit = wanted; ; ) {
      const jobs = await tx.first(READY_JOBS, [queueId], limit);
      const { sound, damaged: found } = partReadable(jobs);
      const isAll = sound.length >= wanted || jobs.length < limit;
      if (isAll || found.length > MAX_DAMAGED) {
        damaged.push(...found);
        return sound;
      }
      limit = wanted + found.length;
    }
  }

  /**
   * Skip a job whose model the miner would have to load, unless that model has waited longer than `loadedPreferenceMs`.
   */
  function isPassedOver(miner: Row<'miner'>): (turn: Turn) => boolean {
    const has = abilities.get(miner.id);
    const since = now - loadedPreferenceMs;
    return ({ fairQueue, job }) =>
      has !== undefined &&
      !isLoaded(job.model, has) &&
      (fairQueue.clock.dispatched_at > since || job.created_at > since);
  }

  function remove({ fairQueue, job }: Turn, miner: Row<'miner'>) {
    // It is the first job, or one behind jobs that the miner may not have.
    fairQueue.jobs?.splice(fairQueue.jobs.indexOf(job), 1);
    assignments.assign(miner, job);
  }

  return {
    get damaged() {
      return [...damaged, ...assignments.damaged];
    },
    async take(miner) {
      let runnable = queuesByMiner.get(miner.id);
      if (!runnable) {
        const has = abilities.get(miner.id);
        runnable = fairQueues.filter(fairQueue => has && mismatch(fairQueue.queue, has) === null);
        queuesByMiner.set(miner.id, runnable);
      }
      const candidates = await Promise.all(
        runnable.map(async fairQueue => ({ fairQueue, job: await firstReady(fairQueue, miner) })),
      );
      const turns = new Map<Clock, Turn>();
      for (const { fairQueue, job } of candidates) {
        const rival = turns.get(fairQueue.clock);
        if (job && (!rival || isEarlier(job, rival.job))) turns.set(fairQueue.clock, { fairQueue, job });
      }
      let best: Turn | undefined;
      for (const turn of turns.values())
        if (!best || comesFirst(turn, best, isPassedOver(miner))) best = turn;
      if (best) best = yieldsTurn(miner.id, best, turns.values(), isPassedOver(miner)) ?? best;
      if (best) remove(best, miner);
      if (best) best.fairQueue.clock.dispatched_at = Math.max(now, best.fairQueue.clock.dispatched_at + 1);
      return best?.job;
    },
    needsOf: ({ queue_id }) => fairQueuesById.get(queue_id)?.queue.needs ?? '',
    async started(jobs) {
      await assignments.save();
      await advance(jobs, fairQueuesById, tx);
    },
  };
}

/** The job whose turn it is on a clock. */
interface Turn {
  fairQueue: WaitingQueue;
  job: JobRow;
}

/** Compares by fair rank. Both jobs must be of one clock. */
function isEarlier(a: JobRow, b: JobRow): boolean {
  return a.rank === b.rank ? a.id < b.id : a.rank < b.rank;
}

/**
 * Compares turns of different clocks, whose ranks are not comparable: by priority, then loaded models, then the longest
 * time without a turn.
 */
function comesFirst(a: Turn, b: Turn, isPassedOver: (turn: Turn) => boolean): boolean {
  if (a.job.priority !== b.job.priority) return a.job.priority > b.job.priority;
  const [later, sooner] = [isPassedOver(a), isPassedOver(b)];
  if (later !== sooner) return sooner;
  return a.fairQueue.clock.dispatched_at < b.fairQueue.clock.dispatched_at;
}
