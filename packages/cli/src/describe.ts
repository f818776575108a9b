import type { Job, JobError, JobRun, JobSummary, QueueInfo } from '@aitbc/sdk';
import { fieldList, table } from './table.ts';

/** Describes the state of a job in one line for a spinner. */
export function progressOf(job: Job): string {
  if (job.status === 'running')
    return `${job.job_id} is running on ${job.runs ? `${underWay(job.runs)} miners` : job.miner_id}`;
  const queue = job.queue ? `: ${queueLine(job.queue)}` : '';
  return `${job.job_id} is ${job.status}${queue}`;
}

const underWay = (runs: readonly JobRun[]) =>
  runs.filter(run => run.status === 'running' || run.status === 'completed').length;

function queueLine(queue: QueueInfo): string {
  const place = `position ${queue.position} in the queue`;
  if (queue.reason !== null) return `${place}. ${queue.reason}`;
  const miners =
    queue.eligible_miners === 1 ? '1 miner can run it' : `${queue.eligible_miners} miners can run it`;
  const start = queue.estimated_start_seconds;
  return start === null ? `${place}, ${miners}` : `${place}, ${miners}, starts in about ${duration(start)}`;
}

/** Formats seconds for people: `4 s`, `3 min`, `2 h`. */
function duration(seconds: number): string {
  if (seconds < 90) return `${Math.round(seconds)} s`;
  return seconds < 5400 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3600)} h`;
}

/** Formats a timestamp for people, without milliseconds. */
export function time(timestamp: string): string {
  return timestamp.replace('T', ' ').replace(/\.\d+Z$/, 'Z');
}

/** Prints the short fields of a job on lines of their own, and its result below. */
export function jobSheet(job: Job): string {
  const sheet = fieldList({
    Job: job.job_id,
    Status: job.status,
    Model: job.model,
    Queue: job.queue && queueLine(job.queue),
    Miner: job.miner_id,
    Attempts: `${job.attempts} of ${job.max_attempts}`,
    Created: time(job.created_at),
    Started: job.started_at && time(job.started_at),
    Ended: job.completed_at && time(job.completed_at),
    Error: job.error && failureLine(job.error),
    Receipt: job.receipt_id,
    Erased: job.erased_at && `${time(job.erased_at)}: prompt and result are no longer stored`,
  });
  const sections = [sheet];
  if (job.runs) sections.push(table(['run', 'status', 'miner', 'agrees', 'receipt'], job.runs.map(runRow)));
  if (job.result !== null) sections.push(job.result);
  return sections.join('\n\n');
}

const runRow = ({ job_id, status, miner_id, agrees, receipt_id }: JobRun) => [
  job_id,
  status,
  miner_id ?? '-',
  agrees === null ? '-' : agrees ? 'yes' : 'no',
  receipt_id ?? '-',
];

/** Whose fault a failure is, for codes that do not say it. */
const ADVICE: Partial<Record<JobError['error_code'], string>> = {
  JOB_REFUSED: '. The request is at fault: no miner can run it as it is.',
  JOB_UNSUPPORTED: '. No present miner can run it. Nobody is at fault.',
  MINERS_BUSY: '. All miners were busy. Nobody is at fault: submit it again later.',
  MINER_FAILED: '. The miners are at fault: submit it again.',
  LEASE_EXPIRED: '. The miners are at fault: submit it again.',
};

/** Says why a job failed, and whose fault it is. */
export function failureLine(error: NonNullable<JobSummary['error']>): string {
  const { detail, error_code, engine_code } = error;
  const codes = [error_code, ...(engine_code ? [engine_code] : [])].join(', ');
  return `${detail} (${codes})${ADVICE[error_code] ?? ''}`;
}
