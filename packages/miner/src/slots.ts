import type { MinerJob } from '@aitbc/protocol';

/** Why a job is stopped before its end. */
export type StopReason = 'cancelled' | 'lost' | 'deadline' | 'shutdown';

export class JobStopped extends Error {
  override name = 'JobStopped';
  readonly reason: StopReason;

  constructor(reason: StopReason) {
    super(reason);
    this.reason = reason;
  }
}

/** A job that the miner works on. */
export interface RunningJob {
  job: MinerJob;
  /** Aborts with a JobStopped. */
  controller: AbortController;
  /** Resolves when the coordinator knows how the job ended. Never rejects. */
  done: Promise<void>;
}

/** The running jobs, at most one per slot. */
export interface Slots {
  readonly free: number;
  readonly running: ReadonlyMap<string, RunningJob>;
  /** Whether the job runs, or ended after `since`, a time of `performance.now()`. */
  hasRun(jobId: string, since: number): boolean;
  take(job: MinerJob, run: (work: Omit<RunningJob, 'done'>) => Promise<void>): void;
  stop(jobId: string, reason: StopReason): void;
  stopAll(reason: StopReason): void;
  /** Resolves when a slot is free, or the signal aborts. */
  whenFree(signal: AbortSignal): Promise<void>;
  /** Resolves when nothing runs. */
  whenIdle(): Promise<void>;
}

const REMEMBERED = 10_000;

export function createSlots(concurrency: number): Slots {
  const running = new Map<string, RunningJob>();
  /** When the last jobs ended, by job id. */
  const ended = new Map<string, number>();
  let changed = Promise.withResolvers<void>();
  const announce = () => {
    changed.resolve();
    changed = Promise.withResolvers();
  };
  function remember(jobId: string) {
    ended.delete(jobId);
    ended.set(jobId, performance.now());
    const [oldest] = ended.keys();
    if (ended.size > REMEMBERED && oldest !== undefined) ended.delete(oldest);
  }

  return {
    get free() {
      return concurrency - running.size;
    },
    running,
    hasRun: (jobId, since) => running.has(jobId) || (ended.get(jobId) ?? Number.NEGATIVE_INFINITY) > since,
    take(job, run) {
      const controller = new AbortController();
      const done = run({ job, controller }).finally(() => {
        running.delete(job.job_id);
        remember(job.job_id);
        announce();
      });
      running.set(job.job_id, { job, controller, done });
    },
    stop(jobId, reason) {
      running.get(jobId)?.controller.abort(new JobStopped(reason));
    },
    stopAll(reason) {
      for (const jobId of running.keys()) this.stop(jobId, reason);
    },
    async whenFree(signal) {
      while (running.size >= concurrency && !signal.aborted) await orAborted(changed.promise, signal);
    },
    async whenIdle() {
      while (running.size > 0) await changed.promise;
    },
  };
}

/** Settles as the promise does, or resolves when the signal aborts. Leaves no listener on the signal. */
export async function orAborted(promise: Promise<unknown>, signal: AbortSignal): Promise<void> {
  const aborted = Promise.withResolvers<void>();
  const abort = () => aborted.resolve();
  if (signal.aborted) abort();
  signal.addEventListener('abort', abort);
  try {
    await Promise.race([promise, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}
