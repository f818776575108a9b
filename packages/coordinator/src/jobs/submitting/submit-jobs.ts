import type { SubmitJob } from '@aitbc/protocol';
import { loadRepeated, type Repeatable } from '../../accounts/idempotency.ts';
import { type AccountQuota, loadQuotas } from '../../limits/quotas.ts';
import { priceLimit } from '../../receipts/pricing.ts';
import type { ReadyQueue } from '../../store/events.ts';
import { CLOCKS } from '../../store/indexes.ts';
import { done, type Operation, type Outcome, type WriteContext } from '../../store/operation.ts';
import type { NewRow, Row } from '../../store/schema.ts';
import type { JobContent } from '../content.ts';
import { RETRIES } from '../exclusions.ts';
import type { JobChange, JobRow } from '../job.ts';
import { RUNS } from '../replication/runs.ts';
import { insertJobs } from '../save-jobs.ts';
import { type Clock, createRanker, type FairQueue, type Ranker } from '../scheduling/fairness.ts';
import { type BillingPolicy, loadFunds } from './prepaid-balance.ts';

/** A job as it was asked for, with what must be chosen outside the transaction. */
export interface NewJob {
  id: string;
  salt: string;
  content: JobContent;
  /** JSON, as the client wrote it. */
  params: string;
  promptHash: string;
  request: SubmitJob;
  place: QueueKey;
  ttlMs: number;
  maxAttempts: number;
  tokenLimit: number;
  /** Length of what is asked, in UTF-8. */
  promptBytes: number;
  /** Bytes that its input takes in the store. */
  inputBytes: number;
  /** Where it answers a request of a batch. */
  batchLine?: string;
  /** Where several miners are to run it; else empty. */
  runs: readonly NewRun[];
}

/** The queue in which a job stands. */
export type QueueKey = Pick<Row<'queue'>, (typeof KEY)[number]>;

/** A run, which is a job to its miner. */
export type NewRun = Pick<NewJob, 'id' | 'salt' | 'promptHash'>;

export interface SubmitInput extends Repeatable {
  /** What the account may have at once; nothing is limited where it is absent. */
  quota?: AccountQuota | undefined;
  jobs: readonly NewJob[];
}

export type SubmitOutput =
  | { replayed: false; jobs: JobRow[]; clocks: ReadonlyMap<string, Clock[]> }
  | { replayed: true; jobIds: string[] };

/** Stores new jobs, all of an input or none. `clocks` are those of the jobs' models, by model. */
export const submitJobs = (policy: BillingPolicy): Operation<SubmitInput, SubmitOutput> => ({
  name: 'jobs.submit',
  async apply(inputs, context) {
    const [repeated, jobQueues, quotas, funds] = await Promise.all([
      loadRepeated(inputs, context),
      loadJobQueues(placesOf(inputs), context),
      loadQuotas(inputs, context.tx, context.now),
      loadFunds(
        inputs.map(input => input.accountId),
        policy,
        context.tx,
      ),
    ]);
    const averageRunMs = (job: NewJob) => jobQueues.queueOf(job.place).clock.average_run_ms;
    // One after the other: what one input uses up, of keys and of credits, the next does not find.
    const outcomes = inputs.map(input => {
      const before = repeated.answer(input);
      const answer = before
        ? replay(before)
        : (quotas.take(input) ?? funds.take(input.accountId, input.jobs, averageRunMs));
      if (!answer) {
        const ids = input.jobs.map(job => job.id);
        repeated.note(input, ids);
      }
      return answer;
    });
    await repeated.save();
    await quotas.save();
    const fresh = inputs.filter((_, index) => !outcomes[index]);
    const fairQueues = new Set(placesOf(fresh).map(jobQueues.queueOf));
    const accountIds = [...new Set(fresh.map(input => input.accountId))];
    const ranker = await createRanker(context.tx, [...fairQueues], accountIds);

    const made: JobRow[] = [];
    const answers = inputs.map((input, index) => {
      if (outcomes[index]) return outcomes[index];
      const jobs = input.jobs.map(job => {
        const [asked, ...runs] = newRows(
          job,
          input.accountId,
          jobQueues,
          ranker,
          context.now,
          funds.reservedFor(job),
        );
        made.push(asked, ...runs);
        return asked;
      });
      return done<SubmitOutput>({ replayed: false, jobs, clocks: jobQueues.byModel });
    });

    await insertJobs(made, context);
    await insertTexts(fresh, context);
    await ranker.save();
    for (const job of made) if (job.role !== 'replicated') jobQueues.clockOf(job).pending++;
    return answers;
  },
});

const replay = (before: Outcome<string[]>): Outcome<SubmitOutput> =>
  before.ok ? done({ replayed: true, jobIds: before.value }) : before;

const placesOf = (inputs: readonly SubmitInput[]) =>
  inputs.flatMap(input => input.jobs.map(job => job.place));

export interface JobQueues {
  byModel: ReadonlyMap<string, Clock[]>;
  queueOf(place: QueueKey): FairQueue;
  clockOf(job: Pick<JobRow, 'model' | 'priority'>): Clock;
}

const KEY = ['model', 'priority', 'region', 'min_vram_gb', 'lane', 'needs', 'min_context'] as const;

const valuesOf = (place: QueueKey) => KEY.map(column => place[column]);
const nameOf = (place: QueueKey) => JSON.stringify(valuesOf(place));

/** Where a new job stands that has such requirements. */
export const queueKeyOf = ({ priority, replication }: SubmitJob, requirements: ReadyQueue): QueueKey => ({
  ...requirements,
  priority: priority ?? 0,
  lane: (replication ?? 1) > 1 ? RUNS : 0,
});

/** The clocks and queues of places, made where they are new. */
export async function loadJobQueues(
  places: readonly QueueKey[],
  { tx }: Pick<WriteContext, 'tx'>,
): Promise<JobQueues> {
  const keys = new Map(places.map(place => [nameOf(place), place]));
  const [found, clocks] = await Promise.all([findQueues(keys, tx), loadClocks([...keys.values()], tx)]);
  const clockOf = (key: Pick<Clock, 'model' | 'priority'>) => must(clocks.get(clockName(key)));
  let queues = found;
  const missing = new Map([...keys].filter(([name]) => !found.has(name)));
  if (missing.size > 0) {
    const counts = { virtual_time: 0, pending: 0, running: 0 };
    const rows = [...missing.values()].map(key => ({ clock_id: clockOf(key).id, ...key, ...counts }));
    await tx.insert('queue', rows);
    queues = new Map([...queues, ...(await findQueues(missing, tx))]);
  }
  const fairQueues = new Map([...queues].map(([name, queue]) => [name, { queue, clock: clockOf(queue) }]));
  return {
    byModel: Map.groupBy(clocks.values(), clock => clock.model),
    clockOf,
    queueOf: place => must(fairQueues.get(nameOf(place))),
  };
}

const clockName = ({ model, priority }: Pick<Clock, 'model' | 'priority'>) => `${model} ${priority}`;

async function loadClocks(keys: readonly QueueKey[], tx: WriteContext['tx']): Promise<Map<string, Clock>> {
  const models = [...new Set(keys.map(key => key.model))];
  const load = async () => new Map((await tx.first(CLOCKS, models)).map(clock => [clockName(clock), clock]));
  const clocks = await load();
  const missing = new Map(
    keys.filter(key => !clocks.has(clockName(key))).map(key => [clockName(key), newClock(key)]),
  );
  if (missing.size === 0) return clocks;
  await tx.insert('fair_clock', [...missing.values()]);
  return await load();
}

async function findQueues(
  keys: ReadonlyMap<string, QueueKey>,
  tx: WriteContext['tx'],
): Promise<Map<string, Row<'queue'>>> {
  const found = await tx.find('queue', KEY, [...keys.values()].map(valuesOf));
  return new Map(found.map(queue => [nameOf(queue), queue]));
}

const newClock = ({ model, priority }: QueueKey): NewRow<'fair_clock'> => ({
  model,
  priority,
  virtual_time: 0,
  tail_rank: 0,
  dispatched_at: 0,
  average_run_ms: 0,
  pending: 0,
  running: 0,
});

/** Jobs that come to exclude somebody and wait move to queues in which miners look past them. Runs are in such queues. */
export async function toRetryQueues(
  changes: readonly JobChange[],
  context: Pick<WriteContext, 'tx'>,
): Promise<readonly JobChange[]> {
  const moves = ({ before, after }: JobChange) =>
    after.status === 'pending' &&
    after.role === 'ordinary' &&
    before.owners === null &&
    after.owners !== null;
  const moving = changes.filter(moves);
  if (moving.length === 0) return changes;
  const queueIds = [...new Set(moving.map(({ before }) => before.queue_id))];
  const queues = await context.tx.loadFixed('queue', 'id', queueIds, ['id', ...KEY]);
  const places = new Map(queues.map(({ id, ...place }) => [id, { ...place, lane: RETRIES }]));
  const jobQueues = await loadJobQueues([...places.values()], context);
  return changes.map(change => {
    const place = moves(change) && places.get(change.before.queue_id);
    return place
      ? { ...change, after: { ...change.after, queue_id: jobQueues.queueOf(place).queue.id } }
      : change;
  });
}

/** A row for the job, or where it has runs, one that nobody runs, and theirs. */
function newRows(
  job: NewJob,
  accountId: number,
  jobQueues: JobQueues,
  ranker: Ranker,
  now: number,
  reserved: number,
): [JobRow, ...JobRow[]] {
  const row = () => newRow(job, accountId, jobQueues, ranker, now);
  if (job.runs.length === 0) return [{ ...row(), reserved }];
  const runs = job.runs.map(({ id, salt, promptHash }) => {
    const role = 'run' as const;
    return { ...row(), id, salt, prompt_hash: promptHash, reserved, role, run_of: job.id, batch_line: null };
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
    role: 'replicated',
    run_of: null,
    batch_line: job.batchLine ?? null,
  };
  return [replicated, ...runs];
}

/** A job in its queue. */
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
  };
}

async function insertTexts(inputs: readonly SubmitInput[], { tx }: WriteContext) {
  const texts = inputs.flatMap(input =>
    input.jobs.flatMap(({ id, content, params, request, runs }) => {
      const asked = {
        prompt: content.text,
        kind: content.kind,
        own: content.own,
        params,
        metadata: request.metadata === undefined ? null : JSON.stringify(request.metadata),
      };
      // Their miners are not shown what is the client's own.
      return [{ job_id: id, ...asked }, ...runs.map(run => ({ job_id: run.id, ...asked, metadata: null }))];
    }),
  );
  await tx.insert('job_input', texts);
}

function must<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('A row that this transaction made is missing');
  return value;
}
