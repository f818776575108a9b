import { parseJsonObject } from '../store/json.ts';
import { isPlausible } from '../store/numbers.ts';
import { failed, type Outcome, type WriteContext } from '../store/operation.ts';
import { isExclusion } from './exclusions.ts';
import { isEnded, type JobRow, markFailed } from './job.ts';
import { saveJobs } from './save-jobs.ts';

/** The replacement for a value that the coordinator cannot have written. */
const MENDED = {
  queue_id: 0,
  priority: 0,
  max_price: null,
  max_attempts: 1,
  created_at: 0,
  expires_at: 0,
  rank: 0,
  attempts: 1,
  held_until: null,
  started_at: null,
  lease_expires_at: null,
  deadline: null,
  completed_at: null,
  erased_at: null,
  reserved: 0,
  token_limit: null,
  stream: 0,
  owners: null,
} as const satisfies Partial<JobRow>;

const COLUMNS = Object.keys(MENDED) as (keyof typeof MENDED)[];

/** Whether the coordinator can have written this row. */
export const isReadable = (job: JobRow): boolean => COLUMNS.every(column => isSound(job, column));

const isSound = (job: JobRow, column: keyof typeof MENDED): boolean =>
  column === 'owners' ? areOwners(job.owners) : isPlausible(job[column]);

/** A replicated job stores which operator has which run. Other jobs store whom they exclude. */
const areOwners = (owners: string | null): boolean =>
  owners === null ||
  Object.values(parseJsonObject(owners) ?? { damaged: null }).every(
    value => typeof value === 'string' || isExclusion(value),
  );

const ERROR = {
  error_code: 'JOB_UNREADABLE',
  detail: "The coordinator's own record of this job is damaged: submit the job again",
} as const;

/** The error for a miner that tries to use such a job. */
export const unreadable: Outcome<never> = failed('JOB_INVALID_STATUS', ERROR.detail);

/**
 * Fails jobs whose rows are damaged, and replaces the damaged values. Until then damaged jobs are skipped, so they
 * delay no other job and are held against no miner. Each is reported once to the operator.
 */
export async function endUnreadable(jobs: readonly JobRow[], context: WriteContext): Promise<void> {
  if (jobs.length === 0) return;
  // One batch may find a job twice.
  const open = [...new Map(jobs.map(job => [job.id, job])).values()].filter(job => !isEnded(job.status));
  const mended = open.map(before => ({ before, after: mend(before) }));
  await context.tx.change('job', mended);
  await saveJobs(
    mended.map(({ after: before }) => ({ before, after: markFailed(before, ERROR, context.now) })),
    context,
  );
  for (const job of open)
    context.emit({ type: 'job.unreadable', jobId: job.id, columns: damagedColumns(job) });
}

function mend(job: JobRow): JobRow {
  const mended: Record<string, unknown> = { ...job };
  for (const column of damagedColumns(job)) mended[column] = MENDED[column as keyof typeof MENDED];
  return mended as JobRow;
}

const damagedColumns = (job: JobRow): string[] => COLUMNS.filter(column => !isSound(job, column));

/** Separates intact jobs from damaged ones. */
export function partReadable(jobs: readonly JobRow[]): { sound: JobRow[]; damaged: JobRow[] } {
  const sound = jobs.filter(isReadable);
  return { sound, damaged: sound.length === jobs.length ? [] : jobs.filter(job => !isReadable(job)) };
}
