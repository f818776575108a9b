import { hash } from 'node:crypto';
import type { Job, JobPreview, SubmitJob } from '@aitbc/protocol';
import { canonicalJson } from '@aitbc/receipts';
import { findRepeated } from '../../accounts/idempotency.ts';
import { accountScope, budgetKeysOf, type Principal } from '../../accounts/keys.ts';
import type { AccountConfig } from '../../accounts/options.ts';
import type { Ids } from '../../ids.ts';
import { COSTLY_BYTES, COSTLY_JOBS } from '../../limits/turns.ts';
import type { Reach } from '../../miners/directory.ts';
import type { ReceiptConfig } from '../../receipts/options.ts';
import { type Operation, unwrap } from '../../store/operation.ts';
import type { ClientWebhooks } from '../../webhooks/client-webhooks.ts';
import type { JobRow } from '../job.ts';
import type { CancelInput } from '../leases/cancel.ts';
import type { BillingPolicy } from '../prepaid-balance.ts';
import { findWholeJob } from '../queries.ts';
import type { ModelJob } from '../requirements.ts';
import { type Prefixes, prefixesOf } from '../scheduling/prefixes.ts';
import { bestModel, type FallBackInput, fallBack } from './fall-back.ts';
import { JobReader, type JobReaderOptions } from './job-reader.ts';
import { createJobMaker } from './new-job.ts';
import type { SubmissionConfig } from './options.ts';
import { previewJob } from './preview-job.ts';
import type { NewJob, SubmitInput, SubmitOutput } from './submit-jobs.ts';

type ClientConfig = SubmissionConfig & ReceiptConfig & Pick<AccountConfig, 'idempotencySeconds'>;

export interface ClientJobsOptions extends JobReaderOptions {
  policy: BillingPolicy;
  config: JobReaderOptions['config'] & ClientConfig;
  ids: Ids;
  prefixes: Pick<Prefixes, 'minerWith'>;
  webhooks: Pick<ClientWebhooks, 'admitReceivers'>;
  operations: {
    submitJobs: Operation<SubmitInput, SubmitOutput>;
    cancelJobs: Operation<CancelInput, JobRow>;
    fallBackJobs: Operation<FallBackInput, undefined>;
  };
  now(): number;
}

/** How jobs are submitted. */
export interface Submission {
  /**
   * Called for each job before any is stored, with the live miners that could run it. An error from it fails the request,
   * unless the request repeats an earlier one.
   */
  admit?: (request: ModelJob, reach: Reach) => void;
  /** The request's place in a trace. */
  traceparent?: string | undefined;
}

/** What clients do with jobs. Each method throws RequestError. */
export class ClientJobs extends JobReader {
  readonly #options: ClientJobsOptions;
  readonly #makeJob: ReturnType<typeof createJobMaker>;

  constructor(options: ClientJobsOptions) {
    super(options);
    this.#options = options;
    this.#makeJob = createJobMaker(options.config, options.ids);
  }

  /**
   * Stores the jobs, all or none. A repeated request with the same idempotency key returns the first request's jobs.
   */
  async submit(
    principal: Principal,
    requests: readonly SubmitJob[],
    idempotencyKey: string | undefined,
    { admit, traceparent }: Submission = {},
  ): Promise<{ jobs: Job[]; replayed: boolean }> {
    const { config, store, limits, directory, webhooks, now } = this.#options;
    const jobs = requests.map((request, index) =>
      this.#route(this.#makeJob(request, index, requests.length, principal), principal.accountId),
    );
    const input = {
      accountId: principal.accountId,
      quota: limits.quotaOf(principal.tier),
      jobs,
      traceparent,
      budgetKeys: budgetKeysOf(principal),
      ...(idempotencyKey !== undefined && {
        idempotency: {
          key: idempotencyKey,
          requestHash: hash('sha256', canonicalJson(requests.map(withoutEmpty))),
          lastsMs: config.idempotencySeconds * 1000,
        },
      }),
    };
    try {
      if (admit) for (const { request, place } of jobs) admit(request, directory.reach(place));
    } catch (error) {
      const before = await findRepeated(store.read, input, now());
      if (!before) throw error;
      return await this.#replay(unwrap(before));
    }
    await webhooks.admitReceivers(principal.accountId, requests);
    const output = await this.#storeInTurn(principal, input);
    if (output.replayed) return await this.#replay(output.jobIds);
    const views = output.jobs.map((job, index) => {
      const asked = jobs[index];
      if (!asked) throw new Error('Each job answers a request');
      return this.showNew(job, asked, output.clocks.get(job.model) ?? []);
    });
    return { jobs: views, replayed: false };
  }

  /** Returns what a job may cost and where it would stand, and stores nothing. */
  async preview(principal: Principal, request: SubmitJob): Promise<JobPreview> {
    const job = this.#route(this.#makeJob(request, 0, 1, principal), principal.accountId);
    return await previewJob(job, principal, this.#options);
  }

  /** Prepares a job of an account for callers that store jobs themselves. */
  prepare(request: SubmitJob, accountId: number, allowedModels: readonly string[] | undefined): NewJob {
    const asker = { scopes: new Set<never>(), ...(allowedModels && { allowedModels }) };
    return this.#route(this.#makeJob(request, 0, 1, asker), accountId);
  }

  /** Moves on jobs that have waited for too long for one of their models. Returns whether there may be more of them. */
  fallBack(): Promise<boolean> {
    return fallBack(this.#options);
  }

  /**
   * Chooses the first of a job's models that a live miner can run, and adds the live miners that go first, those that wait
   * for work here before others.
   */
  #route(asked: NewJob, accountId: number): NewJob {
    const { directory, waits, config } = this.#options;
    const job = asked.models ? withModel(asked, bestModel(asked.models, asked.place, directory)) : asked;
    if (job.runs.length > 0) return { ...job, passport: directory.commonPassport(job.place) };
    if (config.preferMinerSeconds === 0) return job;
    const owner = config.ownMinersFirst === 'on' ? accountId : undefined;
    const preferred = directory.preferred(job.place, owner);
    const cachedAt = this.#cachedAt(job, accountId);
    if (preferred.length === 0 && cachedAt === undefined) return job;
    return {
      ...job,
      preferred: waits.waitingFirst(job.place.model, preferred),
      cachedAt,
    };
  }

  /** Returns the live miner that has the beginning of the prompt in memory, if there is one. */
  #cachedAt({ content, place }: NewJob, accountId: number): string | undefined {
    const { config, directory, prefixes } = this.#options;
    if (config.prefixSeconds === 0) return undefined;
    const hashes = prefixesOf({ ...content, accountId, model: place.model });
    const minerId = hashes.length === 0 ? undefined : prefixes.minerWith(hashes);
    return minerId !== undefined && directory.canRun(minerId, place) ? minerId : undefined;
  }

  async cancel(principal: Principal, id: string): Promise<Job> {
    const { store, ids, operations } = this.#options;
    const receipt = { id: ids.next('rcpt'), nonce: ids.hex(16) };
    const accountId = accountScope(principal);
    unwrap(await store.write(operations.cancelJobs, { jobId: id, accountId, receipt }));
    return await this.current(principal, id);
  }

  async #replay(jobIds: readonly string[]): Promise<{ jobs: Job[]; replayed: true }> {
    const { store } = this.#options;
    const found = await Promise.all(jobIds.toSorted().map(id => findWholeJob(store, id)));
    const kept = found.filter(job => job !== undefined);
    return { jobs: await Promise.all(kept.map(job => this.show(job))), replayed: true };
  }

  /** Stores jobs within the limits of their client: costly submissions of one client run one at a time. */
  async #storeInTurn(principal: Principal, input: SubmitInput): Promise<SubmitOutput> {
    const { limits } = this.#options;
    const sum = (of: (job: NewJob) => number) => input.jobs.reduce((sum, job) => sum + of(job), 0);
    const units = sum(({ runs }) => Math.max(1, runs.length));
    await limits.jobs(principal, units, sum(tokensOf));
    const isCostly = units > COSTLY_JOBS || sum(({ inputBytes }) => inputBytes) > COSTLY_BYTES;
    const store = () => this.#storeWakingEarly(input);
    return isCostly ? await limits.costly.run(principal.accountId, store) : await store();
  }

  /** Stores jobs. Waiting miners claim them in the same batch, which saves a commit. */
  async #storeWakingEarly(input: SubmitInput): Promise<SubmitOutput> {
    const { store, operations, limits, waits } = this.#options;
    const written = limits.countWrites(input.accountId, input.jobs.length);
    const storing = store.write(operations.submitJobs, input);
    const undoWake = waits.wakeEarly(input.jobs);
    let isNew = false;
    try {
      const output = unwrap(await storing);
      isNew = !output.replayed;
      return output;
    } finally {
      written();
      if (!isNew) undoWake();
    }
  }
}

const withModel = (job: NewJob, model: string): NewJob => ({
  ...job,
  request: { ...job.request, model },
  place: { ...job.place, model },
});

/** Removes empty members: `params: {}` means the same as no `params`. */
function withoutEmpty(request: SubmitJob): object {
  const isEmpty = (value: unknown) =>
    typeof value === 'object' && value !== null && !Array.isArray(value) && Object.keys(value).length === 0;
  return Object.fromEntries(
    Object.entries(request).filter(([, value]) => value !== undefined && !isEmpty(value)),
  );
}

/** Estimates the tokens that a job may take, at four bytes of the prompt per token. */
const tokensOf = ({ promptBytes, request, runs }: NewJob) =>
  Math.max(1, runs.length) * (Math.ceil(promptBytes / 4) + (request.params?.max_tokens ?? 0));
