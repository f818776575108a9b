import type { FailureClass, JobError } from '@aitbc/protocol';
import type { Row } from '../../store/schema.ts';
import type { Failing } from '../../store/topics.ts';
import {
  EXCLUDED_MS,
  type Exclusions,
  exclude,
  exclusionsOf,
  hasBeenRefused,
  minerKey,
  type Others,
  operatorKey,
} from '../exclusions.ts';
import { endAttempt, type JobRow, markFailed, releaseAttempt, requeueAfter } from '../job.ts';
import { LONGEST_BACKOFF_MS } from '../retry-backoff.ts';

/*
 * What happens to a job when its miner reports a failure, by class:
 *
 *   refused      tried once at another owner's miner, uncounted; fails if that miner refuses too or no other can run it
 *   unsupported  tried at another miner, uncounted; fails if no other miner can run it
 *   busy         tried at another miner or later; counts as an attempt
 *   broken       tried at another operator's miner after a pause; counts as an attempt
 *
 * Only `broken` counts against the miner. Older miners report no class: their failures are broken, or with
 * `retryable: false` need confirmation like a refusal.
 */

/** A failure as the miner reported it. */
export interface Failure {
  error: string;
  retryable: boolean;
  errorClass?: FailureClass | undefined;
  engineCode?: string | undefined;
  /** When a busy engine expects to be free. */
  retryAfterMs?: number | undefined;
}

export interface FailedAttempt {
  job: JobRow;
  miner: Row<'miner'>;
  queue: Row<'queue'>;
  /** Whether the operator vouches for the miner's owner. Then no confirmation is needed. */
  trusted: boolean;
  /** The operators that have other runs of the same job and so cannot run this one. */
  assigned: Exclusions;
}

export interface FailureContext {
  others: Others;
  now: number;
  /** The pause after a first failed attempt. */
  backoffMs: number;
}

export interface AfterFailure {
  after: JobRow;
  minerFailed?: Failing;
}

export async function afterFailure(
  attempt: FailedAttempt,
  failure: Failure,
  context: FailureContext,
): Promise<AfterFailure> {
  const { errorClass, retryable } = failure;
  if (errorClass === 'busy') return { after: await afterBusy(attempt, failure, context) };
  if (errorClass === 'unsupported')
    return { after: await afterUnsupported(attempt, failure, context), minerFailed: 'blameless' };
  if (errorClass === 'refused' || !retryable)
    return { after: await afterRefusal(attempt, failure, context), minerFailed: 'blameless' };
  return { after: afterBreakdown(attempt, failure, context), minerFailed: 'failed' };
}

function errorOf(error_code: JobError['error_code'], failure: Failure): JobError {
  const { error, errorClass, engineCode, retryAfterMs } = failure;
  const isTimed = error_code === 'MINERS_BUSY' && retryAfterMs !== undefined;
  return {
    ...{ error_code, detail: error },
    ...(errorClass && { error_class: errorClass }),
    ...(engineCode && { engine_code: engineCode }),
    ...(isTimed && { retry_after: Math.ceil(retryAfterMs / 1000) }),
  };
}

function afterBreakdown({ job, miner }: FailedAttempt, failure: Failure, context: FailureContext): JobRow {
  const { now, backoffMs } = context;
  const after = endAttempt(job, errorOf('MINER_FAILED', failure), now, backoffMs);
  return exclude(after, operatorKey(miner), { until: now + EXCLUDED_MS, blamed: true }, now);
}

/** A refusal by one owner, unless trusted, must be confirmed if another owner's miner could run the job. */
async function afterRefusal(
  { job, miner, trusted, queue, assigned }: FailedAttempt,
  failure: Failure,
  { others, now }: FailureContext,
): Promise<JobRow> {
  const code = failure.errorClass === 'refused' ? 'JOB_REFUSED' : 'MINER_FAILED';
  const failed = () => markFailed(job, errorOf(code, failure), now);
  if (trusted || hasBeenRefused(exclusionsOf(job))) return failed();
  const exclusion = { until: now + EXCLUDED_MS, refused: true } as const;
  const byOperator = exclude(releaseAttempt(job), operatorKey(miner), exclusion, now);
  const owner = { [`owner/${miner.owner_id}`]: { until: Infinity } };
  const isConfirmable = await others.exist(queue, { ...assigned, ...owner, ...exclusionsOf(byOperator) });
  return isConfirmable ? byOperator : failed();
}

async function afterUnsupported(
  { job, miner, queue, assigned }: FailedAttempt,
  failure: Failure,
  { others, now }: FailureContext,
): Promise<JobRow> {
  const after = exclude(releaseAttempt(job), minerKey(miner), { until: job.expires_at }, now);
  const exclusions = exclusionsOf(after);
  const isTriedEnough = Object.keys(exclusions).length >= UNSUPPORTED_AT_MOST;
  const isAble = !isTriedEnough && (await others.exist(queue, { ...assigned, ...exclusions }));
  return isAble ? after : markFailed(job, errorOf('JOB_UNSUPPORTED', failure), now);
}

/** The most miners with unsuitable engines that a job is tried at. */
const UNSUPPORTED_AT_MOST = 16;

async function afterBusy(
  { job, miner, queue, assigned }: FailedAttempt,
  failure: Failure,
  { others, now, backoffMs }: FailureContext,
): Promise<JobRow> {
  if (job.attempts >= job.max_attempts) return markFailed(job, errorOf('MINERS_BUSY', failure), now);
  const pause = Math.min(failure.retryAfterMs ?? backoffMs, LONGEST_BACKOFF_MS);
  const exclusions = exclude(job, minerKey(miner), { until: now + pause }, now);
  const isAble = await others.exist(queue, { ...assigned, ...exclusionsOf(exclusions) });
  return isAble ? requeueAfter(exclusions, now, 0) : requeueAfter(job, now, pause);
}
