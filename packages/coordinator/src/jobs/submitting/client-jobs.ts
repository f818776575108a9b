import { hash } from 'node:crypto';
import type { Job, JobSummary, ListJobs, SubmitJob } from '@aitbc/protocol';
import { canonicalJson } from '@aitbc/receipts';
import { findRepeated } from '../../accounts/idempotency.ts';
import { accountScope, budgetKeysOf, type Principal } from '../../accounts/keys.ts';
import type { AccountConfig } from '../../accounts/options.ts';
import { fail } from '../../errors.ts';
import type { Ids } from '../../ids.ts';
import type { Limits } from '../../limits/limits.ts';
import { COSTLY_BYTES, COSTLY_JOBS } from '../../limits/turns.ts';
import type { Directory, Reach } from '../../miners/directory.ts';
import type { ReceiptConfig } from '../../receipts/options.ts';
import { type Operation, unwrap } from '../../store/operation.ts';
import type { Row } from '../../store/schema.ts';
import type { Store } from '../../store/store.ts';
import { isEnded, type JobRow } from '../job.ts';
import type { CancelInput } from '../leases/cancel.ts';
import { isSeenBy } from '../lookup.ts';
import {
  type FoundJob,
  findClocks,
  findJob,
  findJobs,
  findRuns,
  findTexts,
  type JobPage,
  listJobs,
} from '../queries.ts';
import type { Clock } from '../scheduling/fairness.ts';
import type { SchedulingConfig } from '../scheduling/options.ts';
import { queueInfo } from '../scheduling/queue-position.ts';
import { type LazySignal, LOOK_AGAIN_MS, type Waits } from '../scheduling/waiting.ts';
import { toJob, toNewRun, toRun, toSummary } from '../views.ts';
import { createJobMaker } from './new-job.ts';
import type { SubmissionConfig } from './options.ts';
import type { NewJob, SubmitInput, SubmitOutput } from './submit-jobs.ts';

type ClientConfig = SubmissionConfig &
  ReceiptConfig &
  SchedulingConfig &
  Pick<AccountConfig, 'idempotencySeconds'>;

export interface ClientJobsOptions {
  config: ClientConfig;
  store: Store;
  ids: Ids;
  directory: Directory;
  waits: Waits;
  limits: Limits;
  operations: {
    submitJobs: Operation<SubmitInput, SubmitOutput>;
    cancelJobs: Operation<CancelInput, JobRow>;
  };
  now(): number;
}

/** What clients do with jobs. Each method throws RequestError. */
export interface ClientJobs {
  /**
   * Stores the jobs, all or none. A repeated request with the same idempotency key returns the first request's jobs.
   */
  submit(
    principal: Principal,
    requests: readonly SubmitJob[],
    idempotencyKey: string | undefined,
    /**
     * Called for each job before any is stored, with the live miners that could run it. An error from it fails the
     * request, unless the request repeats an earlier one.
     */
    admit?: (request: SubmitJob, reach: Reach) => void,
  ): Promise<{ jobs: Job[]; replayed: boolean }>;
  /** Prepares a job for callers that store jobs themselves. */
  prepare(request: SubmitJob, allowedModels: readonly string[] | undefined): NewJob;
  /** Returns the job when it has ended, after `waitSeconds`, or when `callerSignal` aborts. */
  get(principal: Principal, id: string, waitSeconds: number, callerSignal: LazySignal): Promise<Job>;
  /** Returns the job when it has ended, when `callerSignal` aborts, or when the coordinator stops. */
  ended(principal: Principal, id: string, callerSignal: AbortSignal): Promise<Job>;
  /** Lists jobs. With `all`, which needs an administrator, those of all accounts. */
  list(
    principal: Principal,
    query: ListJobs & { limit: number; before: string | undefined },
  ): Promise<JobPage<JobSummary>>;
  cancel(principal: Principal, id: string): Promise<Job>;
  /** Returns the id of a job's receipt. */
  receiptId(principal: Principal, id: string): Promise<string>;
}

export function createClientJobs({
  config,
  store,
  ids,
  directory,
  waits,
  limits,
  operations,
  now,
}: ClientJobsOptions): ClientJobs {
  const prepare = createJobMaker(config, ids);

  async function owned(principal: Principal, id: string): Promise<FoundJob> {
    const job = await findJob(store.read, id);
    if (!job || !isSeenBy(accountScope(principal), job)) fail('JOB_NOT_FOUND', 'Job not found');
    return job;
  }

  async function view(job: FoundJob): Promise<Job> {
    const texts = await findTexts(store.read, job.id);
    const runs = job.role === 'replicated' ? await findRuns(store.read, job.id) : undefined;
    const clocks = job.status === 'pending' ? await findClocks(store.read, job.model) : [];
    return toJob(
      job,
      job,
      texts,
      job.status === 'pending' ? queueInfo(job, clocks, directory.reach(job), runs?.length) : null,
      runs?.map(toRun),
    );
  }

  function viewOfNew(
    job: Row<'job'>,
    { request, content, params, place, runs }: NewJob,
    clocks: readonly Clock[],
  ): Job {
    const reach = directory.reach(place);
    const input = {
      prompt: content.text,
      kind: content.kind,
      own: content.own,
      params,
      metadata: request.metadata ? JSON.stringify(request.metadata) : null,
    };
    const texts = { input, output: undefined };
    const newRuns = runs.length === 0 ? undefined : runs.map(toNewRun);
    return toJob(job, place, texts, queueInfo(job, clocks, reach, runs.length), newRuns);
  }

  async function waitForEnd(
    principal: Principal,
    id: string,
    waitMs: number,
    callerSignal: AbortSignal,
  ): Promise<Job> {
    const over = new AbortController();
    const signal = AbortSignal.any([callerSignal, over.signal]);
    const until = performance.now() + waitMs;
    try {
      for (;;) {
        // The wait begins before the job is read, so that an end in between is not missed.
        const leftMs = until - performance.now();
        const woken = waits.forJob(id, Math.min(leftMs, LOOK_AGAIN_MS), signal);
        const job = await owned(principal, id);
        if (isEnded(job.status) || leftMs <= 0 || signal.aborted || waits.closed) return await view(job);
        await woken;
      }
    } finally {
      over.abort();
    }
  }

  async function limited<T>(principal: Principal, wait: () => Promise<T>): Promise<T> {
    const over = limits.countWait(principal);
    try {
      return await wait();
    } finally {
      over();
    }
  }

  /** Stores jobs. Waiting miners claim them in the same batch, which saves a commit. */
  async function storeWakingEarly(input: SubmitInput): Promise<SubmitOutput> {
    const written = limits.countWrites(input.accountId, input.jobs.length);
    const storing = store.write(operations.submitJobs, input);
    const undoWake = waits.wakeEarly(input.jobs.map(({ place }) => place));
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

  return {
    async submit(principal, requests, key, admit) {
      const jobs = requests.map((request, index) => prepare(request, index, requests.length, principal));
      const requestHash = key === undefined ? '' : hash('sha256', canonicalJson(requests.map(withoutEmpty)));
      const idempotency =
        key === undefined ? undefined : { key, requestHash, lastsMs: config.idempotencySeconds * 1000 };
      const input = {
        accountId: principal.accountId,
        quota: limits.quotaOf(principal.tier),
        jobs,
        budgetKeys: budgetKeysOf(principal),
        ...(idempotency && { idempotency }),
      };
      const replay = async (jobIds: readonly string[]) => {
        const found = await findJobs(store.read, jobIds);
        return { jobs: await Promise.all(found.map(view)), replayed: true };
      };
      try {
        if (admit) for (const { request, place } of jobs) admit(request, directory.reach(place));
      } catch (error) {
        const before = await findRepeated(store.read, input, now());
        if (!before) throw error;
        return await replay(unwrap(before));
      }
      const units = jobs.reduce((sum, { runs }) => sum + Math.max(1, runs.length), 0);
      const tokens = jobs.reduce((sum, job) => sum + tokensOf(job), 0);
      await limits.jobs(principal, units, tokens);
      const isCostly =
        units > COSTLY_JOBS || jobs.reduce((sum, job) => sum + job.inputBytes, 0) > COSTLY_BYTES;
      const submitAll = () => storeWakingEarly(input);
      const output = isCostly ? await limits.costly.run(principal.accountId, submitAll) : await submitAll();
      if (output.replayed) return await replay(output.jobIds);
      const views = output.jobs.map((job, index) => {
        const asked = jobs[index];
        if (!asked) throw new Error('Each job answers a request');
        return viewOfNew(job, asked, output.clocks.get(job.model) ?? []);
      });
      return { jobs: views, replayed: false };
    },

    prepare: (request, allowedModels) =>
      prepare(request, 0, 1, { scopes: new Set(), ...(allowedModels && { allowedModels }) }),

    async get(principal, id, waitSeconds, callerSignal) {
      const waitMs = Math.min(waitSeconds, config.maxWaitSeconds) * 1000;
      if (waitMs === 0) return await view(await owned(principal, id));
      return await limited(principal, () => waitForEnd(principal, id, waitMs, callerSignal()));
    },

    async ended(principal, id, callerSignal) {
      return await limited(principal, () => waitForEnd(principal, id, Infinity, callerSignal));
    },

    async list(principal, { all = false, status, model, limit, before }) {
      if (all && !principal.scopes.has('admin'))
        fail('AUTH_INSUFFICIENT_SCOPE', 'The jobs of all accounts need a key with the scope admin', {
          field: 'all',
        });
      const accountId = all ? undefined : principal.accountId;
      const { jobs, next } = await listJobs(store.read, { accountId, status, model, before, limit });
      return { jobs: jobs.map(job => toSummary(job, job)), next };
    },

    async cancel(principal, id) {
      const receipt = { id: ids.next('rcpt'), nonce: ids.hex(16) };
      unwrap(
        await store.write(operations.cancelJobs, { jobId: id, accountId: accountScope(principal), receipt }),
      );
      return await view(await owned(principal, id));
    },

    async receiptId(principal, id) {
      const job = await owned(principal, id);
      if (job.receipt_id === null) {
        fail(
          'RECEIPT_NOT_FOUND',
          isEnded(job.status) ? `The job is ${job.status}: it has no receipt` : 'The job has not ended yet',
        );
      }
      return job.receipt_id;
    },
  };
}

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
