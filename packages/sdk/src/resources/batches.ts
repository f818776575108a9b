import type { Batch, CreateBatch } from '@aitbc/protocol';
import { withDeadline } from '../deadline.ts';
import { AitbcError, BatchFailedError, TimeoutError } from '../errors.ts';
import type { RequestOptions } from '../options.ts';
import { type Paged, readOpenAiPage } from '../pages.ts';
import { type IdempotentOptions, type Requests, Resource } from '../requests.ts';
import { id } from '../transport.ts';
import type { Files } from './files.ts';

/** A request of a batch, as a line of its file. */
export interface BatchRequest {
  /** Yours to choose, once in a batch: the result carries it. */
  custom_id: string;
  method?: 'POST';
  /** The endpoint of the batch. */
  url: string;
  body: Record<string, unknown>;
}

/** What became of a request. Either `response` or `error` is there. */
export interface BatchResult {
  id: string;
  /** `null` where the request had none that could be read. */
  custom_id: string | null;
  /** An answer of the endpoint, well or not: look at `status_code`. */
  response: { status_code: number; request_id: string; body: Record<string, unknown> } | null;
  error: { code: string; message: string } | null;
}

/** A batch to be made. Its window is 24 hours unless given. */
export type NewBatch = Omit<CreateBatch, 'completion_window'> &
  Partial<Pick<CreateBatch, 'completion_window'>>;

export interface ListBatches {
  /** The id of a batch: only what is behind it is listed. */
  after?: string | undefined;
  limit?: number | undefined;
}

export interface BatchWaitOptions {
  /** Milliseconds. Without end unless given: a batch has a window of hours or days, after which it ends. */
  timeout?: number | undefined;
  signal?: AbortSignal | undefined;
  /** Seconds between requests, and so between calls of `onUpdate`. Default 2. */
  poll?: number | undefined;
  /** Called with the batch as each request found it. */
  onUpdate?: ((batch: Batch) => void) | undefined;
}

const ENDED: readonly Batch['status'][] = ['completed', 'failed', 'expired', 'cancelled'];

/** Files of requests that are answered when there is time for them. `jobs.submitBatch` submits jobs at once. */
export class Batches extends Resource {
  readonly #files: Files;

  constructor(requests: Requests, files: Files) {
    super(requests);
    this.#files = files;
  }

  /** Has all requests of an uploaded file answered. Sent again after a failure, it never becomes two batches. */
  create(batch: NewBatch, options: IdempotentOptions = {}): Promise<Batch> {
    return this.requests.create('/v1/batches', { completion_window: '24h', ...batch }, options);
  }

  /**
   * Uploads requests as a file, and creates the batch that answers them.
   *
   * @param batch what is asked besides; its `endpoint` is the `url` of the first request unless given
   * @throws {TypeError} when there are no requests
   */
  async submit(
    requests: Iterable<BatchRequest> | AsyncIterable<BatchRequest>,
    batch: Partial<Omit<NewBatch, 'input_file_id'>> = {},
    options?: RequestOptions,
  ): Promise<Batch> {
    const lines: string[] = [];
    let endpoint = batch.endpoint;
    for await (const request of requests) {
      endpoint ??= request.url;
      lines.push(`${JSON.stringify({ method: 'POST', ...request })}\n`);
    }
    if (endpoint === undefined) throw new TypeError('A batch must have at least one request');
    const file = await this.#files.create({ file: new Blob(lines) }, options);
    return await this.create({ ...batch, endpoint, input_file_id: file.id }, options);
  }

  /** How far a batch is. */
  get(batchId: string, options?: RequestOptions): Promise<Batch> {
    return this.requests.get(pathOf(batchId), options);
  }

  /** Your batches, newest first. */
  list(query: ListBatches = {}, options?: RequestOptions): Paged<Batch> {
    return this.requests.list('/v1/batches', { ...query }, options, readOpenAiPage<Batch>);
  }

  /** Cancels a batch. What was answered before stays, and is written. */
  cancel(batchId: string, options?: RequestOptions): Promise<Batch> {
    return this.requests.post(`${pathOf(batchId)}/cancel`, {}, options);
  }

  /**
   * Waits until the batch has ended, well or not: look at `status`.
   *
   * @throws {TimeoutError} when it had not ended in time
   */
  wait(batchId: string, options: BatchWaitOptions = {}): Promise<Batch> {
    const { timeout = Number.POSITIVE_INFINITY, signal, poll = 2, onUpdate } = options;
    const expired = () => new TimeoutError(`${batchId} had not ended after ${timeout / 1000} s`, timeout);
    return withDeadline({ ms: timeout, signal, expired }, async signal => {
      for (;;) {
        const batch = await this.get(batchId, { signal });
        onUpdate?.(batch);
        if (ENDED.includes(batch.status)) return batch;
        await this.requests.settings.sleep(poll * 1000, signal);
        signal.throwIfAborted();
      }
    });
  }

  /**
   * What became of each request of a batch: first the answers, in the order of the requests, then the errors.
   *
   * @throws {BatchFailedError} when the batch had nothing answered, since something is wrong with its file
   * @throws {AitbcError} when the batch has not ended
   */
  async *results(batch: Batch | string, options?: RequestOptions): AsyncGenerator<BatchResult, void> {
    const found = typeof batch === 'string' ? await this.get(batch, options) : batch;
    const { id, status, output_file_id, error_file_id } = found;
    if (status === 'failed') throw new BatchFailedError(found);
    if (!ENDED.includes(status)) throw new AitbcError(`${id} has not ended: it is ${status}`);
    for (const fileId of [output_file_id, error_file_id])
      if (fileId !== null) yield* this.#files.lines<BatchResult>(fileId, options);
  }
}

const pathOf = (batchId: string) => `/v1/batches/${id(batchId)}`;
