import { LRUCache } from 'lru-cache';
import { type Abilities, requirementsKey } from '../../miners/eligibility.ts';
import type { ReadyQueue, StoreEvent } from '../../store/events.ts';
import { type WaitingMiner, WaitingMiners } from './waiting-miners.ts';

/** Aborts when the caller stops waiting. The signal is created only for requests that wait. */
export type LazySignal = () => AbortSignal;

/** How often a waiting request checks again even if nothing woke it: a lost wake-up costs time, never a job. */
export const LOOK_AGAIN_MS = 5_000;

/** A wait. It ends when it is woken, when its time is over, or when the caller stops waiting. */
interface Waiter {
  /** `cause` is what the wait resolves with. */
  wake(cause?: string): void;
}

export interface Waits {
  /** Resolves when the job ends, after `ms`, on abort or at shutdown. */
  forJob(jobId: string, ms: number, signal: AbortSignal): Promise<void>;
  /** Resolves when something happens to a followed job, after `ms`, on abort or at shutdown. */
  forEvent(jobId: string, ms: number, signal: AbortSignal): Promise<void>;
  /**
   * Resolves with the id of a job that the miner must stop. Resolves with undefined after `ms`, on abort, at shutdown,
   * or if an event may have been missed.
   */
  forWithdrawal(minerId: string, ms: number, signal: AbortSignal): Promise<string | undefined>;
  /** Resolves when there may be a job for this miner, after `ms`, on abort or at shutdown. */
  forWork(waitingMiner: WaitingMiner, ms: number, signal: AbortSignal): Promise<void>;
  /**
   * Wakes miners for jobs that are about to be stored, so that their claims join the same batch. The
   * commit does not wake miners for these jobs again. If the jobs are not stored, the caller must call the returned
   * function.
   */
  wakeEarly(jobs: readonly EarlyJob[]): () => void;
  /** Returns the ids with those first whose miners wait for work here. */
  waitingFirst(model: string, minerIds: readonly string[]): string[];
  /**
   * Returns a number that grows when jobs become ready for such a miner, and sometimes without cause. If it is equal at
   * two moments, no job became ready in between.
   */
  lastReady(abilities: Abilities): number;
  /** Wakes all waiting miners that can run the jobs of these queues. */
  lookAgain(queues: readonly ReadyQueue[]): void;
  apply(events: readonly StoreEvent[]): void;
  /** The models that waiting miners offer. */
  readonly models: IterableIterator<string>;
  readonly closed: boolean;
  /** Ends all waits, now and in the future. */
  close(): void;
}

/** A job that is about to be stored. */
interface EarlyJob {
  place: ReadyQueue;
  /** The miners that go first, best first. */
  preferred?: readonly string[];
  cachedAt?: string | undefined;
}

/** Clients choose the names of models, so the number of remembered names is limited. */
const MAX_MODELS = 10_000;

export function createWaits(): Waits {
  const ends = createWaitersById();
  const followers = createWaitersById();
  const holders = createWaitersById();
  const miners = new WaitingMiners<Waiter & WaitingMiner>();
  /** The number of miners that were woken for jobs that are not committed yet, by queue. */
  const wokenEarly = new Map<string, number>();
  const all = new Set<Waiter>();
  let readied = 0;
  let forgotten = 0;
  const readyByModel = new LRUCache<string, number>({
    max: MAX_MODELS,
    dispose: (at, _model, reason) => {
      if (reason === 'evict') forgotten = Math.max(forgotten, at);
    },
  });
  let closed = false;

  function wait<W extends Waiter>(
    ms: number,
    signal: AbortSignal,
    enlist: (waiter: Waiter) => W,
    dismiss: (waiter: W) => void,
  ) {
    if (closed || signal.aborted || ms <= 0) return Promise.resolve(undefined);
    return new Promise<string | undefined>(resolve => {
      const wake = (cause?: string) => {
        clearTimeout(timer);
        signal.removeEventListener('abort', end);
        all.delete(waiter);
        dismiss(waiter);
        resolve(cause);
      };
      const end = () => wake();
      const timer = setTimeout(end, ms);
      const waiter = enlist({ wake });
      all.add(waiter);
      signal.addEventListener('abort', end);
    });
  }

  function forget(name: string, count: number) {
    const left = (wokenEarly.get(name) ?? 0) - count;
    if (left > 0) wokenEarly.set(name, left);
    else wokenEarly.delete(name);
  }

  /**
   * Wakes as many miners as there are new jobs, because more would find nothing. For runs it wakes all, because an
   * owner may have only one run of a job.
   */
  function wakeMiners(queue: ReadyQueue, count: number) {
    const name = requirementsKey(queue);
    const awake = Math.min(count, wokenEarly.get(name) ?? 0);
    if (awake > 0) forget(name, awake);
    for (const miner of miners.ableTo(queue, count - awake)) miner.wake();
  }

  return {
    async forJob(jobId, ms, signal) {
      await wait(ms, signal, ends.enlist(jobId), ends.dismiss(jobId));
    },
    async forEvent(jobId, ms, signal) {
      await wait(ms, signal, followers.enlist(jobId), followers.dismiss(jobId));
    },
    forWithdrawal(minerId, ms, signal) {
      return wait(ms, signal, holders.enlist(minerId), holders.dismiss(minerId));
    },
    async forWork(waitingMiner, ms, signal) {
      const enlist = (waiter: Waiter) => {
        const miner = { ...waiter, ...waitingMiner };
        miners.add(miner);
        return miner;
      };
      await wait(ms, signal, enlist, miner => miners.remove(miner));
    },
    wakeEarly(early) {
      const woken: [name: string, count: number][] = [];
      const queues: ReadyQueue[] = [];
      for (const { place, preferred, cachedAt } of early) {
        const named = [...(preferred ?? []), ...(cachedAt === undefined ? [] : [cachedAt])];
        const [first] = miners.named(place.model, named);
        // The commit wakes another miner if the job is not kept for this one.
        if (first) first.wake();
        else queues.push(place);
      }
      for (const [name, jobs] of Map.groupBy(queues, requirementsKey)) {
        const able = jobs[0] ? miners.ableTo(jobs[0], jobs.length) : [];
        if (able.length === 0) continue;
        wokenEarly.set(name, (wokenEarly.get(name) ?? 0) + able.length);
        woken.push([name, able.length]);
        for (const miner of able) miner.wake();
      }
      return () => {
        for (const [name, count] of woken) forget(name, count);
      };
    },
    waitingFirst(model, minerIds) {
      const waiting = new Set(miners.named(model, minerIds).map(({ abilities }) => abilities.id));
      return [...waiting, ...minerIds.filter(id => !waiting.has(id))];
    },
    lastReady({ capabilities }) {
      let last = 0;
      for (const model of capabilities) last = Math.max(last, readyByModel.get(model) ?? forgotten);
      return last;
    },
    lookAgain(queues) {
      for (const queue of queues) for (const miner of miners.ableTo(queue, Infinity)) miner.wake();
    },
    get models() {
      return miners.models;
    },
    apply(events) {
      for (const event of events) {
        if (event.type === 'missed') {
          forgotten = ++readied;
          readyByModel.clear();
          for (const waiter of [...all]) waiter.wake();
        }
        if (event.type === 'job.ended') ends.wake(event.jobId);
        if (event.type === 'job.ended' || event.type === 'job.streamed') followers.wake(event.jobId);
        if (event.type === 'job.withdrawn') holders.wake(event.minerId, event.jobId);
        if (event.type === 'job.kept') {
          readyByModel.set(event.model, ++readied);
          for (const miner of miners.named(event.model, [event.minerId])) miner.wake();
        }
        if (event.type !== 'jobs.ready') continue;
        readyByModel.set(event.queue.model, ++readied);
        wakeMiners(event.queue, event.runs ? Infinity : event.count);
      }
    },
    get closed() {
      return closed;
    },
    close() {
      closed = true;
      for (const waiter of [...all]) waiter.wake();
    },
  };
}

function createWaitersById() {
  const waiters = new Map<string, Set<Waiter>>();
  return {
    enlist: (id: string) => (waiter: Waiter) => {
      const waiting = waiters.get(id) ?? new Set();
      waiters.set(id, waiting.add(waiter));
      return waiter;
    },
    dismiss: (id: string) => (waiter: Waiter) => {
      const waiting = waiters.get(id);
      waiting?.delete(waiter);
      if (waiting?.size === 0) waiters.delete(id);
    },
    wake(id: string, cause?: string) {
      for (const waiter of [...(waiters.get(id) ?? [])]) waiter.wake(cause);
    },
  };
}
