import type {
  Account,
  ClaimedJobs,
  ClaimJobs,
  CompleteJob,
  FailJob,
  Grant,
  Health,
  Heartbeat,
  HeartbeatAnswer,
  Job,
  JobOutcome,
  JobParams,
  JobSummary,
  ListGrants,
  ListJobs,
  ListMiners,
  ListReceipts,
  Miner,
  MinerDetail,
  MinerJob,
  MinerProcess,
  NetworkStats,
  NumberedJobEvent,
  PostChunks,
  PostedChunks,
  PublicKey,
  PublicKeys,
  PublishedGrant,
  PublishedReceipt,
  Receipt,
  RegisterMiner,
  SubmitJob,
} from '@aitbc/protocol';
import { makeIdempotencyKey, submitInParts } from './batch.ts';
import { type EventsOptions, followJob, type OpenEvents, openEvents } from './events.ts';
import { type Explorer, explorer } from './explorer.ts';
import { type ClientOptions, type RequestOptions, type Settings, settle } from './options.ts';
import { type Paged, paged } from './pages.ts';
import { type Call, createTransport, id, type Transport } from './transport.ts';
import { type ReceiptProofOptions, type WaitOptions, waitForJob, waitForProof } from './wait.ts';

export interface SubmitOptions extends RequestOptions {
  /** The same key with the same job is the same job, however often it is sent. Made up when not given. */
  idempotencyKey?: string | undefined;
  /** Seconds to wait for the job to end. The coordinator caps it: the job may come back unended. */
  wait?: number | undefined;
}

export interface GrantOptions extends RequestOptions {
  /** What for, in ASCII. Everyone can read it. */
  reason?: string | undefined;
  /** The same key with the same grant is the same grant, however often it is sent. Made up when not given. */
  idempotencyKey?: string | undefined;
}

export interface StreamOptions extends Omit<SubmitOptions, 'wait'> {
  /** Aborting it cancels the job, too. */
  signal?: AbortSignal | undefined;
}

export interface LongPollOptions extends RequestOptions {
  /** Seconds that the coordinator may wait before it answers. It caps them. */
  wait?: number | undefined;
}

/**
 * A client of one coordinator.
 *
 * Every method rejects with a CoordinatorError when the coordinator refuses, a ConnectionError when it can not be
 * reached, a TimeoutError when it does not answer, and with the signal's reason when its signal aborts. `wait` is in
 * seconds, as in the HTTP contract; `timeout` is in milliseconds.
 *
 * What may be repeated without harm is tried again after network errors, 429 and 5xx, with exponential backoff
 * and full jitter, and not before a `Retry-After` is over.
 */
export class CoordinatorClient {
  /** Blocks, transactions, receipts and statistics that are public. */
  readonly explorer: Explorer;
  readonly #settings: Settings;
  readonly #transport: Transport;
  readonly #openEvents: OpenEvents;

  /**
   * @param baseUrl where the coordinator is, with or without `/api`: `http://127.0.0.1:8000`
   * @param options what to change, or just the API key
   * @throws {TypeError} when `baseUrl` is not an http or https URL
   */
  constructor(baseUrl: string, options: ClientOptions | string | null = {}) {
    const given = typeof options === 'string' || options === null ? { apiKey: options } : options;
    this.#settings = settle(given);
    this.#transport = createTransport(baseUrl, this.#settings);
    this.#openEvents = openEvents(baseUrl, this.#settings);
    this.explorer = explorer(this.#transport);
  }

  /** Submits a job. Sent again after a failure, it never becomes two. */
  submitJob(prompt: string, model?: string, params?: JobParams, options?: SubmitOptions): Promise<Job>;
  submitJob(job: SubmitJob, options?: SubmitOptions): Promise<Job>;
  submitJob(
    first: string | SubmitJob,
    second: string | SubmitOptions = {},
    params: JobParams = {},
    fourth: SubmitOptions = {},
  ): Promise<Job> {
    const { job, options } = submission(first, second, params, fourth);
    return this.#submit('/v1/jobs', job, options.idempotencyKey ?? makeIdempotencyKey(), options);
  }

  /**
   * Submits a job whose text is wanted as it is generated, when the first event is asked for, and tells what happens to
   * it until it has ended. A connection that breaks is opened again, and what came before is not told twice.
   *
   * Leaving the loop stops the reading and leaves the job alone; aborting the signal cancels the job.
   */
  streamJob(
    prompt: string,
    model?: string,
    params?: JobParams,
    options?: StreamOptions,
  ): AsyncGenerator<NumberedJobEvent, void>;
  streamJob(job: SubmitJob, options?: StreamOptions): AsyncGenerator<NumberedJobEvent, void>;
  async *streamJob(
    first: string | SubmitJob,
    second: string | StreamOptions = {},
    params: JobParams = {},
    fourth: StreamOptions = {},
  ): AsyncGenerator<NumberedJobEvent, void> {
    const { job, options } = submission(first, second, params, fourth);
    const { job_id } = await this.submitJob({ ...job, stream: true }, options);
    let hasEnded = false;
    try {
      yield* this.jobEvents(job_id, options);
      hasEnded = true;
    } finally {
      if (!hasEnded && options.signal?.aborted)
        await this.cancelJob(job_id, { timeout: 5_000 }).catch(() => {});
    }
  }

  /**
   * What happens to a job until it has ended: changes of its status, its text where it streams, and its result. As with
   * `streamJob`, a connection that breaks is opened again.
   *
   * @param options `after` is the `id` of an event to go on behind
   */
  jobEvents(jobId: string, options: EventsOptions = {}): AsyncGenerator<NumberedJobEvent, void> {
    const path = `/v1/jobs/${id(jobId)}/events`;
    return followJob(after => this.#openEvents(path, after, options), this.#settings, options);
  }

  /**
   * Submits any number of jobs, 1,000 in each request, each request all or nothing. Answers in their order.
   *
   * @throws {PartialBatchError} when a request after the first fails
   */
  submitBatch(jobs: readonly SubmitJob[], options: Omit<SubmitOptions, 'wait'> = {}): Promise<Job[]> {
    const submit = async (part: SubmitJob[], key: string) => {
      const { jobs } = await this.#submit<{ jobs: Job[] }>('/v1/jobs/batch', { jobs: part }, key, options);
      return jobs;
    };
    return submitInParts(jobs, options.idempotencyKey ?? makeIdempotencyKey(), submit);
  }

  /** The job; with `wait`, as soon as it has ended or the seconds are over. */
  getJob(jobId: string, options: LongPollOptions = {}): Promise<Job> {
    const { wait } = options;
    return this.#call({ path: `/v1/jobs/${id(jobId)}`, query: { wait }, wait, fresh: true }, options);
  }

  /**
   * Waits until the job has ended, well or not: look at `status`.
   *
   * @param options a number is the timeout in milliseconds
   * @throws {JobTimeoutError} when it had not ended in time
   */
  waitForJob(jobId: string, options: WaitOptions | number = {}): Promise<Job> {
    const given = typeof options === 'number' ? { timeout: options } : options;
    return waitForJob((jobId, poll) => this.getJob(jobId, poll), this.#settings, jobId, given);
  }

  /** Your jobs, newest first. */
  listJobs(query: ListJobs = {}, options?: RequestOptions): Paged<JobSummary> {
    return paged(this.#transport, '/v1/jobs', { ...query }, options);
  }

  /** Cancels a pending or running job. */
  cancelJob(jobId: string, options?: RequestOptions): Promise<Job> {
    return this.#post(`/v1/jobs/${id(jobId)}/cancel`, {}, options);
  }

  /** The receipt, and its place in the ledger once that was published. */
  getReceipt(receiptId: string, options?: RequestOptions): Promise<PublishedReceipt> {
    return this.#call({ path: `/v1/receipts/${id(receiptId)}`, fresh: true }, options);
  }

  /**
   * A `.tlog-proof` file: the receipt, and the proof of its place in the ledger. Whoever has it and the ledger's key
   * needs nothing else, see `verifyTlogProof` of `@aitbc/tlog`.
   *
   * @throws {CoordinatorError} RECEIPT_NOT_FOUND with a `retryAfter` while it is not published yet
   */
  receiptProof(receiptId: string, options?: RequestOptions): Promise<string> {
    return this.#call({ path: `/v1/receipts/${id(receiptId)}/proof`, as: 'text', fresh: true }, options);
  }

  /**
   * The same as soon as the ledger has published the receipt.
   *
   * @throws {TimeoutError} when it had not in time
   */
  waitForReceiptProof(receiptId: string, options: ReceiptProofOptions = {}): Promise<string> {
    const get = (signal: AbortSignal) => this.receiptProof(receiptId, { signal });
    return waitForProof(get, this.#settings, receiptId, options);
  }

  /** The verifier key of the ledger, as the coordinator tells it: who trusts that needs no other proof. */
  async ledgerKey(options?: RequestOptions): Promise<string> {
    return (await this.#call<string>({ path: '/ledger/vkey', as: 'text', fresh: true }, options)).trim();
  }

  /** The receipt of a completed job, and its place in the ledger once that was published. */
  jobReceipt(jobId: string, options?: RequestOptions): Promise<PublishedReceipt> {
    return this.#call({ path: `/v1/jobs/${id(jobId)}/receipt`, fresh: true }, options);
  }

  listReceipts(query: ListReceipts = {}, options?: RequestOptions): Paged<Receipt> {
    return paged(this.#transport, '/v1/receipts', { ...query }, options);
  }

  /** The keys that the coordinator signs receipts with, and those it used to. */
  async keys(options?: RequestOptions): Promise<PublicKey[]> {
    return (await this.#call<PublicKeys>({ path: '/v1/keys' }, options)).keys;
  }

  /** What the account of this key has, in credits. */
  account(options?: RequestOptions): Promise<Account> {
    return this.#call({ path: '/v1/account' }, options);
  }

  /** What the account at an address has. Needs the key of an administrator. */
  accountAt(address: string, options?: RequestOptions): Promise<Account> {
    return this.#call({ path: `/v1/accounts/${id(address)}`, fresh: true }, options);
  }

  /**
   * Gives credits to an address. Needs the key of an administrator. Sent again after a failure, it never gives twice.
   *
   * @param amount credits, at most 6 decimals
   */
  grantCredits(to: string, amount: number, options: GrantOptions = {}): Promise<Grant> {
    const { reason, idempotencyKey = makeIdempotencyKey(), ...rest } = options;
    return this.#submit('/v1/grants', { to, amount, reason }, idempotencyKey, rest);
  }

  /** The grant, and its place in the ledger once that was published. */
  getGrant(grantId: string, options?: RequestOptions): Promise<PublishedGrant> {
    return this.#call({ path: `/v1/grants/${id(grantId)}`, fresh: true }, options);
  }

  /** Grants to anyone, newest first. */
  listGrants(query: ListGrants = {}, options?: RequestOptions): Paged<Grant> {
    return paged(this.#transport, '/v1/grants', { ...query }, options);
  }

  /**
   * As `receiptProof`, of a grant.
   *
   * @throws {CoordinatorError} TRANSACTION_NOT_FOUND with a `retryAfter` while it is not published yet
   */
  grantProof(grantId: string, options?: RequestOptions): Promise<string> {
    return this.#call({ path: `/v1/grants/${id(grantId)}/proof`, as: 'text', fresh: true }, options);
  }

  /**
   * The same as soon as the ledger has published the grant.
   *
   * @throws {TimeoutError} when it had not in time
   */
  waitForGrantProof(grantId: string, options: ReceiptProofOptions = {}): Promise<string> {
    const get = (signal: AbortSignal) => this.grantProof(grantId, { signal });
    return waitForProof(get, this.#settings, grantId, options);
  }

  stats(options?: RequestOptions): Promise<NetworkStats> {
    return this.#call({ path: '/v1/stats' }, options);
  }

  health(options?: RequestOptions): Promise<Health> {
    return this.#call({ path: '/health' }, options);
  }

  miners(query: ListMiners = {}, options?: RequestOptions): Paged<Miner> {
    return paged(this.#transport, '/v1/miners', { ...query }, options);
  }

  /** A miner, and what it is given and not given to do just now. */
  getMiner(minerId: string, options?: RequestOptions): Promise<MinerDetail> {
    return this.#call({ path: `/v1/miners/${id(minerId)}`, fresh: true }, options);
  }

  /**
   * Registers a miner, or tells anew what it can do. Requests that carry the `epoch` of the answer are refused with
   * `MINER_SUPERSEDED` once another process has registered the id.
   */
  registerMiner(miner: RegisterMiner, options?: RequestOptions): Promise<Miner> {
    return this.#post('/v1/miners/register', miner, options);
  }

  /**
   * Says that the miner lives, which extends its leases. With `wait`, the answer comes as soon as there is a job to stop,
   * or when the seconds are over. With `loaded`, the models that its engine has in memory, it is given jobs for them first.
   *
   * @param jobs ids of the jobs it works on; the answer names those to stop
   */
  heartbeat(
    minerId: string,
    jobs?: readonly string[],
    options: Pick<Heartbeat, 'loaded' | 'epoch'> & LongPollOptions = {},
  ): Promise<HeartbeatAnswer> {
    const { wait, loaded, epoch } = options;
    const path = `/v1/miners/${id(minerId)}/heartbeat`;
    return this.#call(
      { method: 'POST', path, body: { jobs, loaded, wait, epoch }, wait, repeatable: true },
      options,
    );
  }

  /** Gives the miner no new jobs; those it holds go on. */
  drainMiner(minerId: string, options: MinerProcess & RequestOptions = {}): Promise<Miner> {
    const path = `/v1/miners/${id(minerId)}/drain`;
    const query = { epoch: options.epoch };
    return this.#call({ method: 'POST', path, body: {}, query, repeatable: true }, options);
  }

  /** Gives a suspended miner jobs again, its reputation as that of a new one. For administrators. */
  reinstateMiner(minerId: string, options?: RequestOptions): Promise<Miner> {
    return this.#post(`/v1/miners/${id(minerId)}/reinstate`, {}, options);
  }

  /** Takes the miner out; what it holds goes to others. By an administrator its id is free for another key then. */
  async deregisterMiner(minerId: string, options: MinerProcess & RequestOptions = {}): Promise<void> {
    const path = `/v1/miners/${id(minerId)}`;
    const query = { epoch: options.epoch };
    await this.#call({ method: 'DELETE', path, query, repeatable: true }, options);
  }

  /** The best job that the miner could claim; `null` when there is none, or none came in `wait` seconds. */
  availableJob(minerId: string, options: MinerProcess & LongPollOptions = {}): Promise<MinerJob | null> {
    const { wait, epoch } = options;
    const query = { miner_id: minerId, epoch, wait };
    return this.#call({ path: '/v1/jobs/available', query, wait, fresh: true }, options);
  }

  claimJob(jobId: string, minerId: string, options: MinerProcess & RequestOptions = {}): Promise<MinerJob> {
    const { epoch } = options;
    return this.#post(`/v1/jobs/${id(jobId)}/claim`, { miner_id: minerId, epoch }, options);
  }

  /**
   * Claims up to `max` jobs (default 1), waiting `wait` seconds for the first. Not repeated when an answer is lost, as
   * the jobs of that answer are leased already: the next heartbeat names them.
   */
  async claimJobs(minerId: string, options: ClaimJobs & LongPollOptions = {}): Promise<MinerJob[]> {
    const { max, wait, epoch } = options;
    const path = `/v1/miners/${id(minerId)}/claims`;
    const call: Call = { method: 'POST', path, body: { max, wait, epoch }, wait };
    return (await this.#call<ClaimedJobs>(call, options)).jobs;
  }

  /**
   * Posts more of the text of a job as it is generated, which extends the lease. Repeating it adds nothing twice; a gap
   * is refused with `VALIDATION_OUT_OF_RANGE` for the field `first`.
   */
  postChunks(jobId: string, chunks: PostChunks, options?: RequestOptions): Promise<PostedChunks> {
    return this.#post(`/v1/jobs/${id(jobId)}/chunks`, chunks, options);
  }

  /** Hands in the result. Answers with the receipt, the same one when repeated. */
  completeJob(jobId: string, completion: CompleteJob, options?: RequestOptions): Promise<Receipt> {
    return this.#post(`/v1/jobs/${id(jobId)}/complete`, completion, options);
  }

  failJob(jobId: string, failure: FailJob, options?: RequestOptions): Promise<JobOutcome> {
    return this.#post(`/v1/jobs/${id(jobId)}/fail`, failure, options);
  }

  /** Hands a job back undone, without using up one of its attempts. */
  releaseJob(
    jobId: string,
    minerId: string,
    options: MinerProcess & RequestOptions = {},
  ): Promise<JobOutcome> {
    const { epoch } = options;
    return this.#post(`/v1/jobs/${id(jobId)}/release`, { miner_id: minerId, epoch }, options);
  }

  #submit<T>(path: string, body: unknown, idempotencyKey: string, options: SubmitOptions): Promise<T> {
    const { wait } = options;
    const headers: Record<string, string> = { 'idempotency-key': idempotencyKey };
    if (wait !== undefined) headers.prefer = `wait=${Math.ceil(wait)}`;
    return this.#call({ method: 'POST', path, body, headers, wait, repeatable: true }, options);
  }

  #post<T>(path: string, body: unknown, options?: RequestOptions): Promise<T> {
    return this.#call({ method: 'POST', path, body, repeatable: true }, options);
  }

  async #call<T>(call: Call, options?: RequestOptions): Promise<T> {
    return (await this.#transport<T>(call, options)).body;
  }
}

function submission<Options extends object>(
  first: string | SubmitJob,
  second: string | Options,
  params: JobParams,
  fourth: Options,
): { job: SubmitJob; options: Options } {
  const model = typeof second === 'string' ? second : 'llama3.2';
  const job = typeof first === 'string' ? { prompt: first, model, params } : first;
  const options = typeof first !== 'string' && typeof second !== 'string' ? second : fourth;
  return { job, options };
}
