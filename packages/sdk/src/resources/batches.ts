import type { Batch, CreateBatch } from '@aitbc/protocol';
import { withDeadline } from '../deadline.ts';
import { AitbcError, BatchFailedError, TimeoutError } from '../errors.ts';
import type { RequestOptions } from '../options.ts';
import { type Paged, readOpenAiPage } from '../pages.ts';
import { type IdempotentOptions, type Requests, Resource } from '../requests.ts';
import { id } from '../transport.ts';
import type { Files } from './files.ts';

/** A request of a batch: one line of its file. */
export interface BatchRequest {
  /** An id of your choice, unique within the batch. The result has it too. */
  custom_id: string;
  method?: 'POST';
  /** The endpoint of the batch. */
  url: string;
  body: Record<string, unknown>;
}

/** The result of a request. Either `response` or `error` is not null. */
export interface BatchResult {
  id: string;
  /** `null` when the request had none that could be read. */
  custom_id: string | null;
  /** The endpoint's answer, which may be an error: check `status_code`. */
  response: { status_code: number; request_id: string; body: Record<string, unknown> } | null;
  error: { code: string; message: string } | null;
}

/** A batch to create. Its window is 24 hours by default. */
export type NewBatch = Omit<CreateBatch, 'completion_window'> &
  Partial<Pick<CreateBatch, 'completion_window'>>;

export interface ListBatches {
  /** The id of a batch. Only the batches after it are listed. */
  after?: string | undefined;
  limit?: number | undefined;
}

export interface BatchWaitOptions {
  /** Milliseconds. Default: no timeout, as a batch ends after its window of hours or days. */
  timeout?: number | undefined;
  signal?: AbortSignal | undefined;
  /** Seconds between requests, so `onUpdate` is called this often. Default 2. */
  poll?: number | undefined;
  /** Called with the batch after each request. */
  onUpdate?: ((batch: Batch) => void) | undefined;
}

const ENDED: readonly Batch['status'][] = ['completed', 'failed', 'expired', 'cancelled'];

/**
 * Batches of requests in files, which are answered when miners have time. `jobs.submitBatch` submits jobs at
 * once.
 */
export class Batches extends Resource {
  readonly #files: Files;

  constructor(requests: Requests, files: Files) {
    super(requests);
    this.#files = files;
  }

  /** Creates a batch for the requests in an uploaded file. Retries never create a second batch. */
  create(batch: NewBatch, options: IdempotentOptions = {}): Promise<Batch> {
    return this.requests.create('/v1/batches', { completion_window: '24h', ...batch }, options);
  }

  /**
   * Uploads requests as a file, and creates the batch for them.
   *
   * @param batch further fields; its `endpoint` defaults to the `url` of the first request
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

  /** Returns the state of a batch. */
  get(batchId: string, options?: RequestOptions): Promise<Batch> {
    return this.requests.get(pathOf(batchId), options);
  }

  /** Lists your batches, newest first. */
  list(query: ListBatches = {}, options?: RequestOptions): Paged<Batch> {
    return this.requests.list('/v1/batches', { ...query }, options, readOpenAiPage<Batch>);
  }

  /** Cancels a batch. Answers that exist already stay, and are written to its files. */
  cancel(batchId: string, options?: RequestOptions): Promise<Batch> {
    return this.requests.post(`${pathOf(batchId)}/cancel`, {}, options);
  }

  /**
   * Waits until the batch has ended, successfully or not: check `status`.
   *
   * @throws {TimeoutError} when it has not ended in time
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
   * Yields the result of each request of a batch: first the answers in the order of the requests, then the
   * errors.
   *
   * @throws {BatchFailedError} when the batch failed because something is wrong with its file
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
