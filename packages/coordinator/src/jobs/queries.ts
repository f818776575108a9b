import type { JobStatus } from '@aitbc/protocol';
import { type Kysely, sql } from 'kysely';
import { lookup } from '../store/lookup.ts';
import type { DatabaseSchema, Row } from '../store/schema.ts';
import type { Store } from '../store/store.ts';
import type { JobRow } from './job.ts';
import { ERROR_COLUMNS } from './job.ts';
import type { Requirements } from './requirements.ts';
import type { FoundRun, JobTexts } from './views.ts';

type Db = Kysely<DatabaseSchema>;
type Reads = Pick<Store, 'lookUp'>;

export type FoundJob = JobRow & Requirements & Pick<Row<'queue'>, 'needs'>;

const withRequirements = (db: Db) =>
  db
    .selectFrom('job')
    .innerJoin('queue', 'queue.id', 'job.queue_id')
    .selectAll('job')
    .select(['queue.region', 'queue.min_vram_gb', 'queue.needs', 'queue.min_context'])
    .select(['queue.miners', 'queue.passport_demand']);

async function findJobs(db: Db, ids: readonly string[]): Promise<FoundJob[]> {
  return await withRequirements(db).where('job.id', 'in', ids).orderBy('job.id').execute();
}

export async function isAnyCancelled(db: Db, ids: readonly string[]): Promise<boolean> {
  if (ids.length === 0) return false;
  const cancelled = db
    .selectFrom('job')
    .select('id')
    .where('id', 'in', ids)
    .where('status', '=', 'cancelled');
  return (await cancelled.limit(1).executeTakeFirst()) !== undefined;
}

const SELECT_JOB =
  'SELECT job.*, queue.region, queue.min_vram_gb, queue.needs, queue.min_context, queue.miners, queue.passport_demand';
const FROM_JOB = 'FROM job JOIN queue ON queue.id = job.queue_id';

const JOB = lookup<FoundJob>({ select: `${SELECT_JOB} ${FROM_JOB}`, column: 'job.id', key: 'id' });

export async function findJob(store: Reads, id: string): Promise<FoundJob | undefined> {
  return (await store.lookUp(JOB, id))[0];
}

type Input = Omit<Row<'job_input'>, 'job_id'>;
type Output = Omit<Row<'job_output'>, 'job_id'>;

/** The columns of a left join are null where there is no row. */
type Joined<T> = { [Column in keyof T]: T[Column] | null };

type WholeJobRow = FoundJob & Joined<Input> & Joined<Output>;

const WHOLE_JOB = lookup<WholeJobRow>({
  select: `${SELECT_JOB}, prompt, kind, own, params, metadata, models, result, type, finish_reason, usage, details, parameters
    ${FROM_JOB} LEFT JOIN job_input ON job_input.job_id = job.id LEFT JOIN job_output ON job_output.job_id = job.id`,
  column: 'job.id',
  key: 'id',
});

/** A job with its texts. */
export interface WholeJob {
  job: FoundJob;
  texts: JobTexts;
}

export async function findWholeJob(store: Reads, id: string): Promise<WholeJob | undefined> {
  const [job] = await store.lookUp(WHOLE_JOB, id);
  if (!job) return undefined;
  // Neither text is null in its own table.
  const input = job.prompt === null ? undefined : (job as FoundJob & Input);
  const output = job.result === null ? undefined : (job as FoundJob & Output);
  return { job, texts: { input, output } };
}

export async function findRuns(db: Db, jobId: string): Promise<FoundRun[]> {
  return await db
    .selectFrom('job')
    .leftJoin('job_output as own', 'own.job_id', 'job.id')
    .leftJoin('job_output as chosen', 'chosen.job_id', 'job.run_of')
    .selectAll('job')
    .select(sql<number | boolean | null>`own.result = chosen.result AND own.type = chosen.type`.as('agrees'))
    .where('job.run_of', '=', jobId)
    .orderBy('job.id')
    .execute();
}

export interface JobFilter {
  /** Undefined for the jobs of all accounts. */
  accountId: number | undefined;
  status: JobStatus | undefined;
  model: string | undefined;
  /** Only jobs with a smaller id. */
  before: string | undefined;
  limit: number;
}

export interface JobPage<Job> {
  /** Newest first. */
  jobs: Job[];
  /** The id after which the next page starts. Undefined on the last page. */
  next: string | undefined;
}

const SCANNED_AT_ONCE = 1_000;

/**
 * Lists jobs, newest first. There is an index for an account, and one for an account and a model. An index by status would
 * be written whenever a job's status changes, and those for administrators would cost each job more than they gain. So
 * where a filter has no index, each page searches the next thousand jobs: it can be short or empty and still have a next
 * page.
 */
export async function listJobs(db: Db, filter: JobFilter): Promise<JobPage<FoundJob>> {
  const { accountId, status, model, before, limit } = filter;
  const isIndexed = accountId !== undefined && status === undefined;
  const atOnce = isIndexed ? limit : SCANNED_AT_ONCE;
  let scan = db.selectFrom('job').select(['id', 'status', 'model', 'role']);
  if (accountId !== undefined) scan = scan.where('account_id', '=', accountId);
  if (accountId !== undefined && model !== undefined) scan = scan.where('model', '=', model);
  if (isIndexed) scan = scan.where('role', '!=', 'run');
  if (before !== undefined) scan = scan.where('id', '<', before);
  const scanned = await scan.orderBy('id', 'desc').limit(atOnce).execute();
  const found = scanned.filter(
    job =>
      job.role !== 'run' &&
      (status === undefined || job.status === status) &&
      (model === undefined || job.model === model),
  );
  const ids = found.slice(0, limit).map(job => job.id);
  const read = ids.length === 0 ? [] : await findJobs(db, ids);
  // A job's status may have changed since the search.
  const jobs = read.filter(job => status === undefined || job.status === status);
  const rest = scanned.length < atOnce ? undefined : scanned.at(-1)?.id;
  return { jobs: jobs.reverse(), next: found.length > limit ? ids.at(-1) : rest };
}

const CLOCKS = lookup<Row<'fair_clock'>>({
  select: 'SELECT * FROM fair_clock',
  column: 'model',
  key: 'model',
});

/** Returns the clocks of a model: one for each priority. */
export const findClocks = (store: Reads, model: string): Promise<Row<'fair_clock'>[]> =>
  store.lookUp(CLOCKS, model);

/** Returns the jobs of a batch with keys from `from` to `to`, with their results. */
export async function findBatchJobs(db: Db, from: string, to: string) {
  return await db
    .selectFrom('job')
    .leftJoin('job_output', 'job_output.job_id', 'job.id')
    .select(['job.id', 'model', 'status', 'created_at', 'receipt_id'])
    .select(ERROR_COLUMNS)
    .select(['batch_line', 'erased_at', 'result', 'type', 'finish_reason', 'usage', 'details'])
    .where('batch_line', '>=', from)
    .where('batch_line', '<=', to)
    .execute();
}

/** Returns the first unfinished jobs among these lines. */
export async function findOpenBatchJobs(
  db: Db,
  { after, to, limit }: { after: string; to: string; limit: number },
): Promise<{ id: string; batch_line: string }[]> {
  const jobs = await db
    .selectFrom('job')
    .select(['id', 'batch_line'])
    .where('batch_line', '>', after)
    .where('batch_line', '<', to)
    .where('status', 'in', ['pending', 'running'])
    .orderBy('batch_line')
    .limit(limit)
    .execute();
  return jobs as { id: string; batch_line: string }[];
}
