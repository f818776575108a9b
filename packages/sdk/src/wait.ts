import type { Job, JobStatus } from '@aitbc/protocol';
import { withDeadline } from './deadline.ts';
import { CoordinatorError, isCoordinatorError, JobTimeoutError, TimeoutError } from './errors.ts';
import type { RequestOptions, Settings } from './options.ts';
import { retryDelay } from './retry.ts';

const PAUSE_MS = 1_000;

export interface WaitOptions {
  /** Milliseconds; `Infinity` waits for ever. Default 60,000. */
  timeout?: number | undefined;
  signal?: AbortSignal | undefined;
  /**
   * Seconds that each request asks the coordinator to wait, so `onUpdate` is called about this often. Default
   * 20.
   */
  poll?: number | undefined;
  /**
   * Whether to keep trying when the coordinator does not answer the first request. Set it for a job that the
   * coordinator has just accepted. Without it, an address where nobody answers is an error at once. An
   * unavailable database is always waited for.
   */
  patient?: boolean | undefined;
  /** Called with the job after each request. */
  onUpdate?: ((job: Job) => void) | undefined;
}

type GetJob = (jobId: string, options: RequestOptions & { wait: number }) => Promise<Job>;

/**
 * Polls until the job has ended. Once the coordinator has answered, even with an error, its absence is waited
 * for with backoff until the timeout.
 */
export async function waitForJob(
  getJob: GetJob,
  { now, sleep, random }: Pick<Settings, 'now' | 'sleep' | 'random'>,
  jobId: string,
  { timeout = 60_000, signal, poll = 20, patient = false, onUpdate }: WaitOptions,
): Promise<Job> {
  let seen: Job | null = null;
  const expired = () => new JobTimeoutError(jobId, seen, timeout);
  return withDeadline({ ms: timeout, signal, expired }, async signal => {
    let hasAnswered = patient;
    for (let failures = 0; ; ) {
      const asked = now();
      const retries: RequestOptions = hasAnswered ? { maxRetries: Number.POSITIVE_INFINITY } : {};
      let job: Job;
      try {
        job = await getJob(jobId, { ...retries, wait: poll, signal });
      } catch (error) {
        const delay = retryDelay(error, { repeatable: true, retries: failures++, random });
        if (delay === null || !(error instanceof CoordinatorError)) throw error;
        hasAnswered = true;
        await sleep(delay, signal);
        signal.throwIfAborted();
        continue;
      }
      hasAnswered = true;
      seen = job;
      onUpdate?.(job);
      if (hasEnded(job)) return job;
      const answeredAtOnce = now() - asked < Math.min(PAUSE_MS, poll * 500);
      if (answeredAtOnce) await sleep(PAUSE_MS, signal);
      signal.throwIfAborted();
    }
  });
}

export interface ProofOptions {
  /** Milliseconds; `Infinity` waits for ever. Default 60,000. */
  timeout?: number | undefined;
  signal?: AbortSignal | undefined;
}

/** The errors of a statement that may be published later. */
const UNPUBLISHED = [
  'RECEIPT_NOT_FOUND',
  'TRANSACTION_NOT_FOUND',
  'PAYOUT_NOT_FOUND',
  'VERIFICATION_NOT_FOUND',
] as const;

/** Polls until the ledger has published a statement. */
export async function waitForProof(
  getProof: (signal: AbortSignal) => Promise<string>,
  { sleep }: Pick<Settings, 'sleep'>,
  statementId: string,
  { timeout = 60_000, signal }: ProofOptions,
): Promise<string> {
  const expired = () =>
    new TimeoutError(`The ledger had not published ${statementId} after ${timeout / 1000} s`, timeout);
  return withDeadline({ ms: timeout, signal, expired }, async signal => {
    for (;;) {
      try {
        return await getProof(signal);
      } catch (error) {
        const isUnpublished = isCoordinatorError(error, ...UNPUBLISHED);
        if (!isUnpublished || error.retryAfter === null) throw error;
        await sleep(error.retryAfter * 1000 || PAUSE_MS, signal);
        signal.throwIfAborted();
      }
    }
  });
}

const ENDED: readonly JobStatus[] = ['completed', 'failed', 'cancelled'];

/** Whether the job has reached its final status. */
export function hasEnded(job: { status: JobStatus }): boolean {
  return ENDED.includes(job.status);
}
