import type {
  CompleteJob,
  FailJob,
  Job,
  JobOutcome,
  JobPreview,
  JobSummary,
  ListJobs,
  MinerJob,
  MinerProcess,
  NumberedJobEvent,
  PostChunks,
  PostedChunks,
  PublishedReceipt,
  Receipt,
  SubmitJob,
} from '@aitbc/protocol';
import { type EventsOptions, followJob } from '../events.ts';
import { makeIdempotencyKey } from '../idempotency.ts';
import type { RequestOptions } from '../options.ts';
import type { Paged } from '../pages.ts';
import { type IdempotentOptions, type LongPollOptions, Resource } from '../requests.ts';
import { id } from '../transport.ts';
import { type WaitOptions, waitForJob } from '../wait.ts';
import { submitInParts } from './submit-in-parts.ts';

/** A job to submit, which names its model, or several. */
export type JobRequest = SubmitJob & ({ model: string } | { models: string[] });

export interface SubmitOptions extends IdempotentOptions {
  /** Seconds to wait for the job to end. The coordinator may return earlier, with an unfinished job. */
  wait?: number | undefined;
}

export interface StreamOptions extends IdempotentOptions {
  /** Aborting the signal also cancels the job. */
  signal?: AbortSignal | undefined;
}

/** Jobs: clients submit and follow them; miners claim, run and complete them. */
export class Jobs extends Resource {
  /** Returns what a job may cost, how many miners could run it and when it would start. Nothing is stored. */
  preview(job: JobRequest, options?: RequestOptions): Promise<JobPreview> {
    return this.requests.post('/v1/jobs', { ...job, dry_run: true }, options);
  }

  /** Submits a job. Retries never create a second one. */
  submit(job: JobRequest, options: SubmitOptions = {}): Promise<Job> {
    return this.requests.create('/v1/jobs', job, options);
  }

  /**
   * Submits any number of jobs, 1,000 in each request. Each request succeeds or fails as a whole. Returns the
   * jobs in the given order.
   *
   * @throws {PartialBatchError} when a request after the first fails
   */
  submitBatch(jobs: readonly JobRequest[], options: IdempotentOptions = {}): Promise<Job[]> {
    const submit = async (part: SubmitJob[], idempotencyKey: string) => {
      const body = { jobs: part };
      const answer = await this.requests.create<{ jobs: Job[] }>('/v1/jobs/batch', body, {
        ...options,
        idempotencyKey,
      });
      return answer.jobs;
    };
    return submitInParts(jobs, options.idempotencyKey ?? makeIdempotencyKey(), submit);
  }

  /** Returns the job. With `wait`, it returns as soon as the job has ended or the seconds are over. */
  get(jobId: string, options: LongPollOptions = {}): Promise<Job> {
    const { wait } = options;
    return this.requests.send({ path: pathOf(jobId), query: { wait }, wait, fresh: true }, options);
  }

  /** Lists your jobs, newest first. */
  list(query: ListJobs = {}, options?: RequestOptions): Paged<JobSummary> {
    return this.requests.list('/v1/jobs', query, options);
  }

  /**
   * Waits until the job has ended, successfully or not: check `status`.
   *
   * @param options a number is the timeout in milliseconds
   * @throws {JobTimeoutError} when the job has not ended in time
   */
  wait(jobId: string, options: WaitOptions | number = {}): Promise<Job> {
    const given = typeof options === 'number' ? { timeout: options } : options;
    return waitForJob((jobId, poll) => this.get(jobId, poll), this.requests.settings, jobId, given);
  }

  /**
   * Submits a streamed job when the first event is requested, and yields its events until it has ended. A
   * broken connection is opened again, and no event comes twice.
   *
   * Leaving the loop only stops the reading. Aborting the signal also cancels the job.
   */
  async *stream(job: JobRequest, options: StreamOptions = {}): AsyncGenerator<NumberedJobEvent, void> {
    const { job_id } = await this.submit({ ...job, stream: true }, options);
    let hasEnded = false;
    try {
      yield* this.events(job_id, options);
      hasEnded = true;
    } finally {
      if (!hasEnded && options.signal?.aborted) await this.cancel(job_id, { timeout: 5_000 }).catch(() => {});
    }
  }

  /**
   * Yields the events of a job until it has ended: changes of its status, its text when it streams, and its
   * result. As with `stream`, a broken connection is opened again.
   *
   * @param options `after` is the `id` of an event to continue after
   */
  events(jobId: string, options: EventsOptions = {}): AsyncGenerator<NumberedJobEvent, void> {
    const path = `${pathOf(jobId)}/events`;
    return followJob(
      after => this.requests.openEvents(path, after, options),
      this.requests.settings,
      options,
    );
  }

  /** Cancels a pending or running job. */
  cancel(jobId: string, options?: RequestOptions): Promise<Job> {
    return this.requests.post(`${pathOf(jobId)}/cancel`, {}, options);
  }

  /** Returns the receipt of a completed job, with its place in the ledger once it is published. */
  receipt(jobId: string, options?: RequestOptions): Promise<PublishedReceipt> {
    return this.requests.get(`${pathOf(jobId)}/receipt`, options);
  }

  /**
   * Returns the best job that the miner could claim; `null` when there is none, or none came in `wait`
   * seconds.
   */
  available(minerId: string, options: MinerProcess & LongPollOptions = {}): Promise<MinerJob | null> {
    const { wait, epoch } = options;
    const query = { miner_id: minerId, epoch, wait };
    return this.requests.send({ path: '/v1/jobs/available', query, wait, fresh: true }, options);
  }

  /** Leases the job to the miner. `miners.claimJobs` leases the best jobs in a single request. */
  claim(jobId: string, minerId: string, options: MinerProcess & RequestOptions = {}): Promise<MinerJob> {
    const { epoch } = options;
    return this.requests.post(`${pathOf(jobId)}/claim`, { miner_id: minerId, epoch }, options);
  }

  /**
   * Posts the next chunks of a job's text, which extends the lease. Repeated chunks are not added twice. A
   * gap is an error: `VALIDATION_OUT_OF_RANGE` for the field `first`.
   */
  postChunks(jobId: string, chunks: PostChunks, options?: RequestOptions): Promise<PostedChunks> {
    return this.requests.post(`${pathOf(jobId)}/chunks`, chunks, options);
  }

  /** Completes a job with its result and returns the receipt. A repetition returns the same receipt. */
  complete(jobId: string, completion: CompleteJob, options?: RequestOptions): Promise<Receipt> {
    return this.requests.post(`${pathOf(jobId)}/complete`, completion, options);
  }

  /** Reports that the miner could not run the job, with the class of the failure. */
  fail(jobId: string, failure: FailJob, options?: RequestOptions): Promise<JobOutcome> {
    return this.requests.post(`${pathOf(jobId)}/fail`, failure, options);
  }

  /** Hands a job back without using up one of its attempts. */
  release(jobId: string, minerId: string, options: MinerProcess & RequestOptions = {}): Promise<JobOutcome> {
    const { epoch } = options;
    return this.requests.post(`${pathOf(jobId)}/release`, { miner_id: minerId, epoch }, options);
  }
}

const pathOf = (jobId: string) => `/v1/jobs/${id(jobId)}`;
