import type {
  CompleteJob,
  FailJob,
  Job,
  JobOutcome,
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

export interface SubmitOptions extends IdempotentOptions {
  /** Seconds to wait for the job to end. The coordinator caps it: the job may come back unended. */
  wait?: number | undefined;
}

export interface StreamOptions extends IdempotentOptions {
  /** Aborting it cancels the job, too. */
  signal?: AbortSignal | undefined;
}

/** Jobs: what clients submit and follow, and what miners do with those that they have claimed. */
export class Jobs extends Resource {
  /** Submits a job. Sent again after a failure, it never becomes two. */
  submit(job: SubmitJob, options: SubmitOptions = {}): Promise<Job> {
    return this.requests.create('/v1/jobs', job, options);
  }

  /**
   * Submits any number of jobs, 1,000 in each request, each request all or nothing. Answers in their order.
   *
   * @throws {PartialBatchError} when a request after the first fails
   */
  submitBatch(jobs: readonly SubmitJob[], options: IdempotentOptions = {}): Promise<Job[]> {
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

  /** The job; with `wait`, as soon as it has ended or the seconds are over. */
  get(jobId: string, options: LongPollOptions = {}): Promise<Job> {
    const { wait } = options;
    return this.requests.send({ path: pathOf(jobId), query: { wait }, wait, fresh: true }, options);
  }

  /** Your jobs, newest first. */
  list(query: ListJobs = {}, options?: RequestOptions): Paged<JobSummary> {
    return this.requests.list('/v1/jobs', query, options);
  }

  /**
   * Waits until the job has ended, well or not: look at `status`.
   *
   * @param options a number is the timeout in milliseconds
   * @throws {JobTimeoutError} when it had not ended in time
   */
  wait(jobId: string, options: WaitOptions | number = {}): Promise<Job> {
    const given = typeof options === 'number' ? { timeout: options } : options;
    return waitForJob((jobId, poll) => this.get(jobId, poll), this.requests.settings, jobId, given);
  }

  /**
   * Submits a job whose text is wanted as it is generated, when the first event is asked for, and tells what happens to
   * it until it has ended. A connection that breaks is opened again, and what came before is not told twice.
   *
   * Leaving the loop stops the reading and leaves the job alone; aborting the signal cancels the job.
   */
  async *stream(job: SubmitJob, options: StreamOptions = {}): AsyncGenerator<NumberedJobEvent, void> {
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
   * What happens to a job until it has ended: changes of its status, its text where it streams, and its result. As with
   * `stream`, a connection that breaks is opened again.
   *
   * @param options `after` is the `id` of an event to go on behind
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

  /** The receipt of a completed job, and its place in the ledger once that was published. */
  receipt(jobId: string, options?: RequestOptions): Promise<PublishedReceipt> {
    return this.requests.get(`${pathOf(jobId)}/receipt`, options);
  }

  /** The best job that the miner could claim; `null` when there is none, or none came in `wait` seconds. */
  available(minerId: string, options: MinerProcess & LongPollOptions = {}): Promise<MinerJob | null> {
    const { wait, epoch } = options;
    const query = { miner_id: minerId, epoch, wait };
    return this.requests.send({ path: '/v1/jobs/available', query, wait, fresh: true }, options);
  }

  /** Leases the job to the miner. `miners.claimJobs` leases the best ones in a single request. */
  claim(jobId: string, minerId: string, options: MinerProcess & RequestOptions = {}): Promise<MinerJob> {
    const { epoch } = options;
    return this.requests.post(`${pathOf(jobId)}/claim`, { miner_id: minerId, epoch }, options);
  }

  /**
   * Posts more of the text of a job as it is generated, which extends the lease. Repeating it adds nothing twice; a gap
   * is an error: `VALIDATION_OUT_OF_RANGE` for the field `first`.
   */
  postChunks(jobId: string, chunks: PostChunks, options?: RequestOptions): Promise<PostedChunks> {
    return this.requests.post(`${pathOf(jobId)}/chunks`, chunks, options);
  }

  /** Hands in the result. Answers with the receipt, the same one when repeated. */
  complete(jobId: string, completion: CompleteJob, options?: RequestOptions): Promise<Receipt> {
    return this.requests.post(`${pathOf(jobId)}/complete`, completion, options);
  }

  /** Reports that the miner could not run the job, with the class of the failure. */
  fail(jobId: string, failure: FailJob, options?: RequestOptions): Promise<JobOutcome> {
    return this.requests.post(`${pathOf(jobId)}/fail`, failure, options);
  }

  /** Hands a job back undone, without using up one of its attempts. */
  release(jobId: string, minerId: string, options: MinerProcess & RequestOptions = {}): Promise<JobOutcome> {
    const { epoch } = options;
    return this.requests.post(`${pathOf(jobId)}/release`, { miner_id: minerId, epoch }, options);
  }
}

const pathOf = (jobId: string) => `/v1/jobs/${id(jobId)}`;
