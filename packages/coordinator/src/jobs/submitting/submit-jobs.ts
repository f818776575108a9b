import { loadRepeated, type Repeatable } from '../../accounts/idempotency.ts';
import { budgetExceeded, loadKeyBudgets } from '../../accounts/key-budgets.ts';
import { type AccountQuota, loadQuotas } from '../../limits/quotas.ts';
import { priceLimit } from '../../receipts/pricing.ts';
import { done, type Operation, type Outcome, type WriteContext } from '../../store/operation.ts';
import { loadOwnWebhooks, ownWebhookOf } from '../../webhooks/own-webhooks.ts';
import type { JobContent } from '../content.ts';
import type { JobRow } from '../job.ts';
import { type BillingPolicy, costsWithin, loadFunds } from '../prepaid-balance.ts';
import type { ModelJob } from '../requirements.ts';
import { insertJobs } from '../save-jobs.ts';
import { type Clock, createRanker, type Ranker } from '../scheduling/fairness.ts';
import { type JobQueues, loadJobQueues, type QueueKey } from '../scheduling/job-queues.ts';
import { keepForMiners, type Preferring } from './keep-for-miners.ts';

/** A requested job, with everything that must be chosen outside the transaction. */
export interface NewJob {
  id: string;
  salt: string;
  content: JobContent;
  /** The parameters as JSON, as the client wrote them. */
  params: string;
  promptHash: string;
  request: ModelJob;
  place: QueueKey;
  /** The models that the request names, best first, if it names several. */
  models?: readonly string[];
  ttlMs: number;
  maxAttempts: number;
  tokenLimit: number;
  /** The length of the content, in UTF-8 bytes. */
  promptBytes: number;
  /** The storage that the input takes, in bytes. */
  inputBytes: number;
  /** The batch request that the job answers, if any. */
  batchLine?: string;
  /** The live miners that go first, best first, where there are any. */
  preferred?: readonly string[];
  /** The live miner that has the beginning of the prompt in memory. It goes after the preferred ones. */
  cachedAt?: string | undefined;
  /** The runs of a replicated job. Empty for other jobs. */
  runs: readonly NewRun[];
  /** The digest of the passport that the runs of a replicated job have in common, empty for none; null if undecided. */
  passport?: string | null;
}

/** A run of a replicated job. */
export type NewRun = Pick<NewJob, 'id' | 'salt' | 'promptHash'>;

export interface SubmitInput extends Repeatable {
  /** The account's quota. Absent if nothing is limited. */
  quota?: AccountQuota | undefined;
  jobs: readonly NewJob[];
  /** The jobs' place in a trace, as a W3C `traceparent`. Absent if they belong to none. */
  traceparent?: string | undefined;
  /** The key that submits, and the keys that made it, whose budgets apply as well. Empty for callers without a key. */
  budgetKeys: readonly string[];
}

export type SubmitOutput =
  | { replayed: false; jobs: JobRow[]; clocks: ReadonlyMap<string, Clock[]> }
  | { replayed: true; jobIds: string[] };

export interface SubmissionPolicy extends BillingPolicy {
  /** How long a new job is kept for a miner that goes first, in ms. */
  keepMs: number;
  /** After which time it is looked at again whether a job waits for the right one of its models, in ms. */
  fallbackMs: number;
}

/** Stores new jobs: all jobs of an input or none. `clocks` has the clocks of the jobs' models, by model. */
export const submitJobs = (policy: SubmissionPolicy): Operation<SubmitInput, SubmitOutput> => ({
  name: 'jobs.submit',
  async apply(inputs, context) {
    const [repeated, jobQueues, quotas, ownWebhooks, funds, budgets] = await Promise.all([
      loadRepeated(inputs, context),
      loadJobQueues(placesOf(inputs), context),
      loadQuotas(inputs, context.tx, context.now),
      loadOwnWebhooks(inputs, context),
      loadFunds(
        inputs.map(input => input.accountId),
        policy,
        context.tx,
      ),
      loadKeyBudgets(
        inputs.map(input => input.budgetKeys),
        context,
      ),
    ]);
    const averageRunMs = (job: NewJob) => jobQueues.queueOf(job.place).clock.average_run_ms;
    const keyReserved = new Map<NewJob, number>();
    // Inputs are decided in order, because each may use up keys and credits of the next.
    const outcomes = inputs.map(input => {
      const before = repeated.answer(input);
      const left = budgets.left(input.budgetKeys);
      const isBudgeted = !before && left.amount < Infinity;
      const budgeted = isBudgeted ? costsWithin(left.amount, input.jobs, averageRunMs, policy) : undefined;
      const answer = before
        ? replay(before)
        : budgeted && budgeted.needed > left.amount
          ? budgetExceeded(budgeted.needed, left, context.now)
          : (quotas.take(input) ??
            ownWebhooks.take(input) ??
            funds.take(input.accountId, input.jobs, averageRunMs));
      if (!answer) {
        if (budgeted) budgets.reserve(input.budgetKeys, budgeted.needed);
        for (const [index, job] of input.jobs.entries()) keyReserved.set(job, budgeted?.costs[index] ?? 0);
        const ids = input.jobs.map(job => job.id);
        repeated.note(input, ids);
      }
      return answer;
    });
    await repeated.save();
    await quotas.save();
    await ownWebhooks.save();
    const fresh = inputs.filter((_, index) => !outcomes[index]);
    const fairQueues = new Set(placesOf(fresh).map(jobQueues.queueOf));
    const accountIds = [...new Set(fresh.map(input => input.accountId))];
    const ranker = await createRanker(context.tx, [...fairQueues], accountIds);

    const made: JobRow[] = [];
    const preferring: Preferring[] = [];
    const answers = inputs.map((input, index) => {
      if (outcomes[index]) return outcomes[index];
      const jobs = input.jobs.map(job => {
        const [asked, ...runs] = newRows(job, input.accountId, jobQueues, ranker, context.now, {
          reserved: funds.reservedFor(job),
          key_reserved: keyReserved.get(job) ?? 0,
          key_id: input.budgetKeys[0] ?? null,
          traceparent: input.traceparent ?? null,
        });
        made.push(asked, ...runs);
        if (job.preferred)
          preferring.push({
            ...{ row: asked, fairQueue: jobQueues.queueOf(job.place), preferred: job.preferred },
            cachedAt: job.cachedAt,
          });
        return asked;
      });
      return done<SubmitOutput>({ replayed: false, jobs, clocks: jobQueues.byModel });
    });

    const kept = await keepForMiners(preferring, policy.keepMs, context);
    await insertJobs(kept.size === 0 ? made : made.map(job => kept.get(job.id) ?? job), context);
    await insertTexts(fresh, context);
    await insertFallbacks(fresh, policy.fallbackMs, context);
    await ranker.save();
    for (const job of made) if (job.role !== 'replicated') jobQueues.clockOf(job).pending++;
    return answers;
  },
});

const replay = (before: Outcome<string[]>): Outcome<SubmitOutput> =>
  before.ok ? done({ replayed: true, jobIds: before.value }) : before;

const placesOf = (inputs: readonly SubmitInput[]) =>
  inputs.flatMap(input => input.jobs.map(job => job.place));

/** Returns the row of a job, or of a replicated job and its runs. */
function newRows(
  job: NewJob,
  accountId: number,
  jobQueues: JobQueues,
  ranker: Ranker,
  now: number,
  given: Pick<JobRow, 'reserved' | 'key_reserved' | 'key_id' | 'traceparent'>,
): [JobRow, ...JobRow[]] {
  const row = () => newRow(job, accountId, jobQueues, ranker, now);
  if (job.runs.length === 0) return [{ ...row(), ...given }];
  const runs = job.runs.map(({ id, salt, promptHash }) => {
    const role = 'run' as const;
    return {
      ...{ ...row(), ...given },
      id,
      salt,
      prompt_hash: promptHash,
      role,
      run_of: job.id,
      batch_line: null,
      webhook: null,
    };
  });
  const first = must(runs[0]);
  const replicated: JobRow = {
    ...first,
    id: job.id,
    salt: job.salt,
    prompt_hash: job.promptHash,
    max_attempts: job.maxAttempts * runs.length,
    held_until: first.expires_at,
    reserved: 0,
    key_reserved: 0,
    role: 'replicated',
    passport: job.passport ?? null,
    run_of: null,
    batch_line: job.batchLine ?? null,
    webhook: ownWebhookOf(job.request, accountId),
  };
  return [replicated, ...runs];
}

/** Creates the row of a job in its queue. */
export function newRow(
  job: Omit<NewJob, 'content' | 'params' | 'runs' | 'tokenLimit' | 'inputBytes'> &
    Partial<Pick<NewJob, 'tokenLimit' | 'inputBytes'>>,
  accountId: number,
  jobQueues: JobQueues,
  ranker: Ranker,
  now: number,
): JobRow {
  const { request } = job;
  const fairQueue = jobQueues.queueOf(job.place);
  return {
    id: job.id,
    account_id: accountId,
    queue_id: fairQueue.queue.id,
    model: request.model,
    priority: fairQueue.queue.priority,
    max_price: priceLimit(request.constraints?.max_price),
    max_attempts: job.maxAttempts,
    token_limit: job.tokenLimit ?? null,
    prompt_bytes: job.promptBytes,
    away_ms: 0,
    salt: job.salt,
    prompt_hash: job.promptHash,
    created_at: now,
    expires_at: now + job.ttlMs,
    rank: ranker.next(fairQueue, accountId),
    status: 'pending',
    attempts: 0,
    held_until: null,
    held_for: null,
    miner_id: null,
    passport: null,
    started_at: null,
    lease_expires_at: null,
    deadline: null,
    completed_at: null,
    receipt_id: null,
    error_code: null,
    error_detail: null,
    error_class: null,
    engine_code: null,
    erased_at: null,
    reserved: 0,
    stream: request.stream ? 1 : 0,
    role: 'ordinary',
    run_of: null,
    owners: null,
    batch_line: job.batchLine ?? null,
    input_bytes: job.inputBytes ?? 0,
    key_id: null,
    key_reserved: 0,
    webhook: ownWebhookOf(request, accountId),
    traceparent: null,
  };
}

async function insertTexts(inputs: readonly SubmitInput[], { tx }: WriteContext) {
  const texts = inputs.flatMap(input =>
    input.jobs.flatMap(({ id, content, params, request, runs, models }) => {
      const asked = {
        prompt: content.text,
        kind: content.kind,
        own: content.own,
        params,
        metadata: request.metadata === undefined ? null : JSON.stringify(request.metadata),
        models: models === undefined ? null : JSON.stringify(models),
        consent: request.verification?.consent ? 1 : null,
      };
      // Miners are not shown the client's own metadata.
      return [{ job_id: id, ...asked }, ...runs.map(run => ({ job_id: run.id, ...asked, metadata: null }))];
    }),
  );
  await tx.insert('job_input', texts);
}

async function insertFallbacks(
  inputs: readonly SubmitInput[],
  fallbackMs: number,
  { tx, now }: WriteContext,
) {
  const due_at = now + fallbackMs;
  const rows = inputs.flatMap(input =>
    input.jobs.flatMap(({ id, models, maxAttempts }) =>
      models ? [{ job_id: id, due_at, attempts: maxAttempts }] : [],
    ),
  );
  if (rows.length > 0) await tx.insert('job_fallback', rows);
}

function must<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('A row that this transaction made is missing');
  return value;
}
