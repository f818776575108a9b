import type { FailedJob } from '../store/events.ts';
import type { WriteContext } from '../store/operation.ts';
import type { SavedChange } from '../store/topics.ts';
import type { Column } from '../store/transaction.ts';
import { isEnded, type JobChange, type JobRow, requireTransition } from './job.ts';

const OFTEN_CHANGED = [
  'status',
  'attempts',
  'held_until',
  'held_for',
  'miner_id',
  'started_at',
  'lease_expires_at',
  'deadline',
  'completed_at',
  'receipt_id',
  'error_code',
  'error_detail',
] as const satisfies Column<'job'>[];

/** Columns that change only when a job fails or moves to another queue. */
const RARELY_CHANGED = [
  'queue_id',
  'model',
  'rank',
  'max_attempts',
  'owners',
  'error_class',
  'engine_code',
  'away_ms',
] as const satisfies Column<'job'>[];

/**
 * Stores changed jobs and publishes the changes within the transaction, so that counters, streams, replicated jobs and
 * batches change together with the jobs.
 */
export async function saveJobs(changes: readonly JobChange[], context: WriteContext): Promise<void> {
  if (changes.length === 0) return;
  changes.forEach(requireTransition);
  // First, because a job's rank must not change while it is among the ready ones.
  await context.tx.update(
    'job',
    'id',
    RARELY_CHANGED,
    changes.flatMap(({ before, after }) =>
      RARELY_CHANGED.some(column => before[column] !== after[column]) ? [after] : [],
    ),
  );
  await context.tx.update(
    'job',
    'id',
    OFTEN_CHANGED,
    changes.map(change => change.after),
  );
  for (const { before, after } of changes) {
    if (!isEnded(after.status) || isEnded(before.status)) continue;
    const { id: jobId } = after;
    context.emit({ type: 'job.ended', jobId });
    if (after.status === 'failed') context.emit({ type: 'job.failed', ...failureOf(after) });
    if (after.status === 'cancelled' && before.status === 'running' && before.miner_id !== null)
      context.emit({ type: 'job.withdrawn', jobId, minerId: before.miner_id });
  }
  await publishChanges(changes, context);
}

function failureOf({ id, model, miner_id, error_code, error_class, attempts }: JobRow): FailedJob {
  return {
    ...{ jobId: id, model, minerId: miner_id, attempts },
    ...{ errorCode: error_code, errorClass: error_class },
  };
}

/** Stores changed leases. No status changes, so nothing is published. */
export async function saveLeases(jobs: readonly JobRow[], { tx }: WriteContext): Promise<void> {
  await tx.update('job', 'id', ['lease_expires_at', 'deadline'], jobs);
}

export async function insertJobs(jobs: readonly JobRow[], context: WriteContext): Promise<void> {
  await context.tx.insert('job', jobs);
  await publishChanges(
    jobs.map(after => ({ before: undefined, after })),
    context,
  );
}

const publishChanges = (changes: readonly SavedChange[], context: WriteContext) =>
  context.publish('job.changed', changes);

/** Erases prompts and results, and the jobs' own webhook URLs, which may hold a token. The jobs stay. */
export async function eraseTextsOf(ids: readonly string[], { tx, now }: WriteContext): Promise<void> {
  await tx.delete('job_input', 'job_id', ids);
  await tx.delete('job_output', 'job_id', ids);
  await tx.update(
    'job',
    'id',
    ['erased_at', 'webhook'],
    ids.map(id => ({ id, erased_at: now, webhook: null })),
  );
}
