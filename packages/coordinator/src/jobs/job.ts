import type { JobError, JobStatus } from '@aitbc/protocol';
import type { Row } from '../store/schema.ts';
import type { SavedChange } from '../store/topics.ts';
import { deadlineFor, type LeasePolicy, leaseEnd } from './lease.ts';
import { retryBackoffMs } from './retry-backoff.ts';

/*
 * The life of a job, as pure functions from a row to the next row.
 *
 *   pending ──startAttempt──▶ running ──markCompleted──▶ completed
 *      ▲                        │ │ │
 *      ├──endAttempt────────────┘ │ └──endAttempt without attempts left, markFailed──▶ failed
 *      ├──releaseAttempt──────────┘
 *      ├──markExpired──▶ failed
 *   pending | running ──markCancelled──▶ cancelled
 *
 * `failure-classes.ts` decides what happens to a job when its miner reports a failure. `exclusions.ts` decides which
 * miners do not get it again.
 */

export type JobRow = Row<'job'>;

/** A change of a job that existed before. */
export interface JobChange extends SavedChange {
  before: JobRow;
}

/** The statuses that may follow each status. The last three are final. */
export const NEXT_STATUSES: Readonly<Record<JobStatus, readonly JobStatus[]>> = {
  pending: ['running', 'failed', 'cancelled'],
  running: ['pending', 'completed', 'failed', 'cancelled'],
  completed: [],
  failed: [],
  cancelled: [],
};

/** @throws if {@link NEXT_STATUSES} does not allow the change, which means that a rule is wrong */
export function requireTransition({ before, after }: JobChange): void {
  if (before.status === after.status || NEXT_STATUSES[before.status].includes(after.status)) return;
  throw new Error(`job ${after.id} can't become ${after.status}: it is ${before.status}`);
}

export const isEnded = (status: JobStatus) => status !== 'pending' && status !== 'running';

/** Whether the job may be given to this miner now. */
export function isReadyFor(job: JobRow, minerId: string, now: number): boolean {
  if (job.status !== 'pending' || job.expires_at <= now) return false;
  return job.held_until === null || job.held_until <= now || job.held_for === minerId;
}

export function offerTo(job: JobRow, minerId: string, until: number): JobRow {
  return { ...job, held_until: until, held_for: minerId };
}

/** Who claims a job. */
interface Claimant {
  minerId: string;
  /** The digest of the passport that the miner has registered for the job's model, or null. */
  passport: string | null;
}

export function startAttempt(
  job: JobRow,
  { minerId, passport }: Claimant,
  rate: number,
  now: number,
  policy: LeasePolicy,
): JobRow {
  const deadline = deadlineFor(job, rate, now, policy);
  return {
    ...job,
    // Written out because a second spread would cost several times the first, and every job takes this path.
    held_until: null,
    held_for: null,
    status: 'running',
    miner_id: minerId,
    passport,
    attempts: job.attempts + 1,
    started_at: now,
    deadline,
    lease_expires_at: leaseEnd(now, deadline, policy),
    away_ms: 0,
  };
}

export function extendLease(job: JobRow, now: number, policy: LeasePolicy): JobRow {
  const latest = job.deadline ?? now;
  return {
    ...job,
    lease_expires_at: Math.max(job.lease_expires_at ?? 0, leaseEnd(now, latest, policy)),
  };
}

/** Extends a lease by the time in which no coordinator ran. */
export function extendByGrace(job: JobRow, until: number): JobRow {
  return {
    ...job,
    lease_expires_at: Math.max(job.lease_expires_at ?? 0, until),
    deadline: Math.max(job.deadline ?? 0, until),
  };
}

export function markCompleted(job: JobRow, receiptId: string, now: number): JobRow {
  return {
    ...job,
    status: 'completed',
    completed_at: now,
    receipt_id: receiptId,
    lease_expires_at: null,
    deadline: null,
  };
}

/** Ends an attempt that failed: the job returns to the queue after a pause, or fails if this was its last attempt. */
export function endAttempt(job: JobRow, error: JobError, now: number, backoffMs: number): JobRow {
  if (job.attempts >= job.max_attempts) return markFailed(job, error, now);
  return requeueAfter(job, now, retryBackoffMs(job.attempts, backoffMs));
}

/** Returns the job to the queue. No miner gets it before the pause is over. */
export const requeueAfter = (job: JobRow, now: number, pauseMs: number): JobRow => ({
  ...requeue(job),
  held_until: pauseMs > 0 ? now + pauseMs : null,
});

/**
 * Returns the job to the queue without counting the attempt: the miner gave it back, or another miner may be able to
 * run it.
 */
export function releaseAttempt(job: JobRow): JobRow {
  return { ...requeue(job), attempts: job.attempts - 1 };
}

export function markExpired(job: JobRow, now: number): JobRow {
  const detail =
    job.attempts === 0
      ? 'The job still waited for a miner when its time to live was over'
      : 'The time to live was over before the job could be tried again';
  return markFailed(job, { error_code: 'JOB_EXPIRED', detail }, now);
}

export function markCancelled(job: JobRow, now: number): JobRow {
  return {
    ...job,
    ...unheld,
    status: 'cancelled',
    completed_at: now,
    lease_expires_at: null,
    deadline: null,
  };
}

const unheld = { held_until: null, held_for: null } as const;
const unleased = {
  ...{ miner_id: null, passport: null, started_at: null },
  ...{ lease_expires_at: null, deadline: null },
} as const;

export function clearHold(job: JobRow): JobRow {
  return { ...job, ...unheld };
}

function requeue(job: JobRow): JobRow {
  return { ...job, ...unheld, ...unleased, status: 'pending' };
}

/** The columns that the error of a failed job is built from. */
export const ERROR_COLUMNS = [
  'error_code',
  'error_detail',
  'error_class',
  'engine_code',
  'completed_at',
  'deadline',
] as const;

export function markFailed(job: JobRow, error: JobError, now: number): JobRow {
  return {
    ...job,
    ...unheld,
    status: 'failed',
    completed_at: now,
    lease_expires_at: null,
    deadline: error.retry_after === undefined ? null : now + error.retry_after * 1000,
    error_code: error.error_code,
    error_detail: error.detail,
    error_class: error.error_class ?? null,
    engine_code: error.engine_code ?? null,
  };
}
