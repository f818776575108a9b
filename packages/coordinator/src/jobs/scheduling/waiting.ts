import { LRUCache } from 'lru-cache';
import { type Abilities, isLoaded, mismatch, nameOf } from '../../miners/eligibility.ts';
import type { ReadyQueue, StoreEvent } from '../../store/events.ts';

/** Aborts when nobody waits for an answer any more. Made only for requests that wait. */
export type LazySignal = () => AbortSignal;

/** Who waits looks again after so long even when nothing woke it: a lost wake-up costs time, never a job. */
export const LOOK_AGAIN_MS = 5_000;

/** A wait that ends when it is woken, when its time is over, or when nobody waits any more. */
interface Waiter {
  /** `cause` is what the wait resolves with. */
  wake(cause?: string): void;
}

/** A miner that waits for work. */
export interface WaitingMiner {
  abilities: Abilities;
  /** Its reputation, from 0 to 1. */
  score: number;
  /** Since when it waits, by `performance.now()`. */
  since: number;
}

export interface Waits {
  /** Resolves when the job ends, after `ms`, on abort or at shutdown. */
  forJob(jobId: string, ms: number, signal: AbortSignal): Promise<void>;
  /** Resolves when something happens to a job that is followed, after `ms`, on abort or at shutdown. */
  forEvent(jobId: string, ms: number, signal: AbortSignal): Promise<void>;
  /**
   * Resolves with the id of a job that the miner is to stop; with nothing after `ms`, on abort or at shutdown, and when
   * it may have been missed.
   */
  forWithdrawal(minerId: string, ms: number, signal: AbortSignal): Promise<string | undefined>;
  /** Resolves when there may be a job for such a miner, after `ms`, on abort or at shutdown. */
  forWork(waitingMiner: WaitingMiner, ms: number, signal: AbortSignal): Promise<void>;
  /**
   * Wakes miners for jobs that are about to be ready, given by their queues, so that they ask within the batch that makes
   * them so. None is woken for these again when that is committed. What it answers must be called where that comes to
   * nothing.
   */
  wakeEarly(queues: readonly ReadyQueue[]): () => void;
  /** Grows when jobs get ready for such a miner, and now and then when not: equal at two moments, none did between. */
  lastReady(abilities: Abilities): number;
  apply(events: readonly StoreEvent[]): void;
  readonly closed: boolean;
  /** Ends all waits, now and from now on. */
  close(): void;
}

/** Clients name models as they like: only so many are told apart. */
const KNOWN_MODELS = 10_000;

export function createWaits(): Waits {
  const ends = createWaitersById();
  const followers = createWaitersById();
  const holders = createWaitersById();
  const workers = createWorkers();
  /** Miners that were woken for jobs that are not committed yet, by queue. */
  const wokenEarly = new Map<string, number>();
  const all = new Set<Waiter>();
  let readied = 0;
  let forgotten = 0;
  const readyByModel = new LRUCache<string, number>({
    max: KNOWN_MODELS,
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

  /** As many miners as there are new jobs: the others would find nothing. For runs all, as owners have one of a job. */
  function wakeWorkers(queue: ReadyQueue, count: number) {
    const name = nameOf(queue);
    const awake = Math.min(count, wokenEarly.get(name) ?? 0);
    if (awake > 0) forget(name, awake);
    for (const worker of workers.ableTo(queue, count - awake)) worker.wake();
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
      await wait(ms, signal, workers.enlist(waitingMiner), workers.dismiss);
    },
    wakeEarly(queues) {
      const woken: [name: string, count: number][] = [];
      for (const [name, jobs] of Map.groupBy(queues, nameOf)) {
        const able = jobs[0] ? workers.ableTo(jobs[0], jobs.length) : [];
        if (able.length === 0) continue;
        wokenEarly.set(name, (wokenEarly.get(name) ?? 0) + able.length);
        woken.push([name, able.length]);
        for (const worker of able) worker.wake();
      }
      return () => {
        for (const [name, count] of woken) forget(name, count);
      };
    },
    lastReady({ capabilities }) {
      let last = 0;
      for (const model of capabilities) last = Math.max(last, readyByModel.get(model) ?? forgotten);
      return last;
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
        if (event.type !== 'jobs.ready') continue;
        readyByModel.set(event.queue.model, ++readied);
        wakeWorkers(event.queue, event.runs ? Infinity : event.count);
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

/** One that can't be relied on at all comes so much behind one that can. So it waits longer, but not for ever. */
const REPUTATION_MS = 10_000;

const turnOf = ({ since, score }: WaitingMiner) => since + (1 - score) * REPUTATION_MS;

/** Those that have the model in memory first; among them, and among the others, who waits longest by its reputation. */
function inOrder<W extends WaitingMiner>(workers: readonly W[], model: string): W[] {
  const byTurn = workers.toSorted((a, b) => turnOf(a) - turnOf(b));
  const [ready, others] = [true, false].map(wanted =>
    byTurn.filter(({ abilities }) => isLoaded(model, abilities) === wanted),
  );
  return [...(ready ?? []), ...(others ?? [])];
}

/** Miners that wait for work, found by the models that they offer. */
function createWorkers() {
  type Worker = Waiter & WaitingMiner;
  const byModel = new Map<string, Set<Worker>>();
  return {
    enlist: (waitingMiner: WaitingMiner) => (waiter: Waiter) => {
      const worker: Worker = { ...waiter, ...waitingMiner };
      for (const model of waitingMiner.abilities.capabilities)
        byModel.set(model, (byModel.get(model) ?? new Set()).add(worker));
      return worker;
    },
    dismiss(worker: Worker) {
      for (const model of worker.abilities.capabilities) {
        const workers = byModel.get(model);
        workers?.delete(worker);
        if (workers?.size === 0) byModel.delete(model);
      }
    },
    /** Those whose turn it is first, as many as there are, or `count`. */
    ableTo(queue: ReadyQueue, count: number): Worker[] {
      if (count <= 0) return [];
      const workers = [...(byModel.get(queue.model) ?? [])];
      const able = workers.filter(({ abilities }) => mismatch(queue, abilities) === null);
      return inOrder(able, queue.model).slice(0, count);
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
