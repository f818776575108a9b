import type { Job, JobSummary, ListJobs } from '@aitbc/protocol';
import { accountScope, type Principal } from '../../accounts/keys.ts';
import { fail } from '../../errors.ts';
import type { Limits } from '../../limits/limits.ts';
import type { Directory } from '../../miners/directory.ts';
import type { Row } from '../../store/schema.ts';
import type { Store } from '../../store/store.ts';
import { isEnded } from '../job.ts';
import { isSeenBy } from '../lookup.ts';
import {
  type FoundJob,
  findClocks,
  findJob,
  findRuns,
  findWholeJob,
  type JobPage,
  listJobs,
  type WholeJob,
} from '../queries.ts';
import type { Clock } from '../scheduling/fairness.ts';
import { lookUntil } from '../scheduling/look-until.ts';
import type { SchedulingConfig } from '../scheduling/options.ts';
import { queueInfo } from '../scheduling/queue-position.ts';
import type { LazySignal, Waits } from '../scheduling/waiting.ts';
import { toJob, toNewRun, toRun, toSummary } from '../views.ts';
import { modelNamed } from './model-aliases.ts';
import type { SubmissionConfig } from './options.ts';
import type { NewJob } from './submit-jobs.ts';

export interface JobReaderOptions {
  config: SchedulingConfig & Pick<SubmissionConfig, 'modelAliases'>;
  store: Store;
  directory: Directory;
  waits: Waits;
  limits: Limits;
}

/** Shows clients their jobs. Each method throws RequestError. */
export class JobReader {
  readonly #options: JobReaderOptions;

  constructor(options: JobReaderOptions) {
    this.#options = options;
  }

  /** Returns the job as it is now. */
  async current(principal: Principal, id: string): Promise<Job> {
    const found = await findWholeJob(this.#options.store, id);
    requireSeen(principal, found?.job);
    return await this.show(found as WholeJob);
  }

  /** Returns the job when it has ended, after `waitSeconds`, or when `callerSignal` aborts. */
  async get(principal: Principal, id: string, waitSeconds: number, callerSignal: LazySignal): Promise<Job> {
    const waitMs = Math.min(waitSeconds, this.#options.config.maxWaitSeconds) * 1000;
    if (waitMs === 0) return await this.current(principal, id);
    return await this.#untilEnded(principal, id, waitMs, callerSignal());
  }

  /** Returns the job when it has ended, when `callerSignal` aborts, or when the coordinator stops. */
  async ended(principal: Principal, id: string, callerSignal: AbortSignal): Promise<Job> {
    return await this.#untilEnded(principal, id, Infinity, callerSignal);
  }

  /** Lists jobs. With `all`, which needs an administrator, those of all accounts. */
  async list(
    principal: Principal,
    { all = false, status, model, limit, before }: ListJobs & { limit: number; before: string | undefined },
  ): Promise<JobPage<JobSummary>> {
    if (all && !principal.scopes.has('admin'))
      fail('AUTH_INSUFFICIENT_SCOPE', 'The jobs of all accounts need a key with the scope admin', {
        field: 'all',
      });
    const accountId = all ? undefined : principal.accountId;
    const { store, config } = this.#options;
    const filter = {
      ...{ accountId, status, before, limit },
      model: model === undefined ? undefined : modelNamed(model, config.modelAliases),
    };
    const { jobs, next } = await listJobs(store.read, filter);
    return { jobs: jobs.map(job => toSummary(job, job)), next };
  }

  /** Returns the id of a job's receipt. */
  async receiptId(principal: Principal, id: string): Promise<string> {
    const { receipt_id, status } = await this.#owned(principal, id);
    if (receipt_id !== null) return receipt_id;
    const detail = isEnded(status) ? `The job is ${status}: it has no receipt` : 'The job has not ended yet';
    fail('RECEIPT_NOT_FOUND', detail);
  }

  /** Shows a job that was found in the store. */
  async show({ job, texts }: WholeJob): Promise<Job> {
    const { store, directory } = this.#options;
    const runs = job.role === 'replicated' ? await findRuns(store.read, job.id) : undefined;
    const clocks = job.status === 'pending' ? await findClocks(store, job.model) : [];
    const queue =
      job.status === 'pending' ? queueInfo(job, clocks, directory.reach(job), runs?.length) : null;
    return toJob(job, job, texts, queue, runs?.map(toRun));
  }

  /** Shows a job that was just stored, without reading it again. */
  showNew(
    job: Row<'job'>,
    { request, content, params, place, runs, models }: NewJob,
    clocks: readonly Clock[],
  ): Job {
    const reach = this.#options.directory.reach(place);
    const input = {
      prompt: content.text,
      kind: content.kind,
      own: content.own,
      params,
      metadata: request.metadata ? JSON.stringify(request.metadata) : null,
      models: models ? JSON.stringify(models) : null,
      consent: null,
    };
    const texts = { input, output: undefined };
    const newRuns = runs.length === 0 ? undefined : runs.map(toNewRun);
    return toJob(job, place, texts, queueInfo(job, clocks, reach, runs.length), newRuns);
  }

  async #owned(principal: Principal, id: string): Promise<FoundJob> {
    return requireSeen(principal, await findJob(this.#options.store, id));
  }

  async #untilEnded(principal: Principal, id: string, waitMs: number, signal: AbortSignal): Promise<Job> {
    const { waits, limits } = this.#options;
    const over = limits.countWait(principal);
    try {
      await lookUntil(
        (ms, signal) => waits.forJob(id, ms, signal),
        async () => {
          const value = await this.#owned(principal, id);
          return { value, isOver: isEnded(value.status) };
        },
        { waits, waitMs, signal },
      );
      return await this.current(principal, id);
    } finally {
      over();
    }
  }
}

function requireSeen(principal: Principal, job: FoundJob | undefined): FoundJob {
  if (!job || !isSeenBy(accountScope(principal), job)) fail('JOB_NOT_FOUND', 'Job not found');
  return job;
}
