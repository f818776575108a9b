import type { FailureClass, JobError } from '@aitbc/protocol';
import type { Row } from '../../store/schema.ts';
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
import { endAttempt, type Failing, type JobRow, markFailed, releaseAttempt, requeueAfter } from '../job.ts';
import { LONGEST_BACKOFF_MS } from '../retry-backoff.ts';

/*
 * What becomes of a job whose miner reports a failure, by the class of it:
 *
 *   refused      elsewhere once, uncounted; failed when another owner's miner says the same, or no other could run it
 *   unsupported  to another miner, uncounted; failed when no other could run it
 *   busy         to another miner, or later; counts as an attempt
 *   broken       to another operator's miner after a pause; counts as an attempt
 *
 * Only what is broken is held against the miner. A report without a class, from an older miner, is broken, or with
 * `retryable: false` needs to be confirmed as what is refused does.
 */

/** As the miner reports it. */
export interface Failure {
  error: string;
  retryable: boolean;
  errorClass?: FailureClass | undefined;
  engineCode?: string | undefined;
  /** Of a busy engine. */
  retryAfterMs?: number | undefined;
}

export interface FailedAttempt {
  job: JobRow;
  miner: Row<'miner'>;
  queue: Row<'queue'>;
  /** The coordinator's operator vouches for the miner's owner, whose word is enough. */
  trusted: boolean;
  /** Operators that have other runs of the same job, and so can't have this one. */
  assigned: Exclusions;
}

export interface FailureContext {
  others: Others;
  now: number;
  /** Pause after a first failed attempt. */
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

/** The word of one owner, unless it is trusted, is not enough where another owner's miner could say the same, or prove it wrong. */
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

/** Miners that a job is tried at whose engines lack what it takes. */
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
