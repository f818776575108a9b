import type { Health, Job, JobParams, NetworkStats } from '@aitbc/protocol';
import type { ClientOptions, RequestOptions } from './options.ts';
import { type LongPollOptions, Requests } from './requests.ts';
import { Accounts } from './resources/accounts.ts';
import { ApiKeys } from './resources/api-keys.ts';
import { AuditLog } from './resources/audit-log.ts';
import { Batches } from './resources/batches.ts';
import { EvidenceResource } from './resources/evidence.ts';
import { Explorer } from './resources/explorer.ts';
import { Files } from './resources/files.ts';
import { Grants } from './resources/grants.ts';
import { Invitations } from './resources/invitations.ts';
import { Jobs, type SubmitOptions } from './resources/jobs.ts';
import { LedgerResource } from './resources/ledger.ts';
import { Miners } from './resources/miners.ts';
import { Models } from './resources/models.ts';
import { Notices } from './resources/notices.ts';
import { Operator } from './resources/operator.ts';
import { Payouts } from './resources/payouts.ts';
import { Receipts } from './resources/receipts.ts';
import { SigningKeys } from './resources/signing-keys.ts';
import { Earnings, Usage } from './resources/usage.ts';
import { Verifications } from './resources/verifications.ts';
import { Webhooks } from './resources/webhooks.ts';
import type { WaitOptions } from './wait.ts';

/** The tutorial's `submitJob` may be called without a model. No other method has a default model. */
const TUTORIAL_MODEL = 'llama3.2';

/**
 * A client of one coordinator. Its methods are on resources that are named like the routes: `POST /v1/jobs`
 * is `client.jobs.submit`, and `POST /v1/miners/{id}/drain` is `client.miners.drain`.
 *
 * Every method rejects with a CoordinatorError when the coordinator answers with an error, a ConnectionError
 * when it can not be reached, a TimeoutError when it does not answer, and with the signal's reason when its
 * signal aborts. `wait` is in seconds, as in the HTTP contract; `timeout` is in milliseconds.
 *
 * Requests that can be repeated without harm are retried after network errors, 429 and 5xx, with exponential
 * backoff and full jitter, and not before `Retry-After` is over.
 */
export class CoordinatorClient {
  readonly jobs: Jobs;
  readonly batches: Batches;
  readonly files: Files;
  readonly models: Models;
  readonly miners: Miners;
  readonly receipts: Receipts;
  readonly ledger: LedgerResource;
  readonly signingKeys: SigningKeys;
  readonly accounts: Accounts;
  readonly apiKeys: ApiKeys;
  readonly auditLog: AuditLog;
  readonly invitations: Invitations;
  readonly notices: Notices;
  readonly usage: Usage;
  readonly earnings: Earnings;
  readonly grants: Grants;
  readonly payouts: Payouts;
  readonly evidence: EvidenceResource;
  readonly operator: Operator;
  readonly verifications: Verifications;
  readonly webhooks: Webhooks;
  /** Public blocks, transactions, receipts and statistics. */
  readonly explorer: Explorer;
  readonly #requests: Requests;

  /**
   * @param baseUrl the coordinator's address, with or without `/api`: `http://127.0.0.1:8000`
   * @param options the options, or only the API key
   * @throws {TypeError} when `baseUrl` is not an http or https URL
   */
  constructor(baseUrl: string, options: ClientOptions | string | null = {}) {
    const given = typeof options === 'string' || options === null ? { apiKey: options } : options;
    const requests = new Requests(baseUrl, given);
    this.#requests = requests;
    this.jobs = new Jobs(requests);
    this.files = new Files(requests);
    this.batches = new Batches(requests, this.files);
    this.models = new Models(requests);
    this.miners = new Miners(requests);
    this.receipts = new Receipts(requests);
    this.ledger = new LedgerResource(requests);
    this.signingKeys = new SigningKeys(requests);
    this.accounts = new Accounts(requests);
    this.apiKeys = new ApiKeys(requests);
    this.auditLog = new AuditLog(requests);
    this.invitations = new Invitations(requests);
    this.notices = new Notices(requests);
    this.usage = new Usage(requests);
    this.earnings = new Earnings(requests);
    this.grants = new Grants(requests);
    this.payouts = new Payouts(requests);
    this.evidence = new EvidenceResource(requests);
    this.operator = new Operator(requests);
    this.verifications = new Verifications(requests);
    this.webhooks = new Webhooks(requests);
    this.explorer = new Explorer(requests);
  }

  /** The tutorial's way to submit a job. `jobs.submit` takes every field of a job. */
  submitJob(
    prompt: string,
    model: string = TUTORIAL_MODEL,
    params: JobParams = {},
    options?: SubmitOptions,
  ): Promise<Job> {
    return this.jobs.submit({ prompt, model, params }, options);
  }

  /** The tutorial's name for `jobs.get`. */
  getJob(jobId: string, options?: LongPollOptions): Promise<Job> {
    return this.jobs.get(jobId, options);
  }

  /** The tutorial's name for `jobs.wait`. */
  waitForJob(jobId: string, options?: WaitOptions | number): Promise<Job> {
    return this.jobs.wait(jobId, options);
  }

  /** Returns the counts of jobs, miners and receipts. */
  stats(options?: RequestOptions): Promise<NetworkStats> {
    return this.#requests.send({ path: '/v1/stats' }, options);
  }

  /** Returns the coordinator's health and version. */
  health(options?: RequestOptions): Promise<Health> {
    return this.#requests.send({ path: '/health' }, options);
  }
}
