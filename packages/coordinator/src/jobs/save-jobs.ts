import type { WriteContext } from '../store/operation.ts';
import type { Column } from '../store/transaction.ts';
import { hasEnded, type JobChange, type JobRow, requireTransition, type SavedChange } from './job.ts';

const CHANGING = [
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

/** Of jobs that failed, or go elsewhere. */
const RARELY_CHANGING = [
  'queue_id',
  'owners',
  'error_class',
  'engine_code',
  'away_ms',
] as const satisfies Column<'job'>[];

/**
 * Stores changed jobs, and tells the modules that follow jobs, within the transaction: counters, streams, replicated jobs
 * and batches move with the jobs or not at all.
 */
export async function saveJobs(changes: readonly JobChange[], context: WriteContext): Promise<void> {
  if (changes.length === 0) return;
  changes.forEach(requireTransition);
  await context.tx.update(
    'job',
    'id',
    CHANGING,
    changes.map(change => change.after),
  );
  await context.tx.update(
    'job',
    'id',
    RARELY_CHANGING,
    changes.flatMap(({ before, after }) =>
      RARELY_CHANGING.some(column => before[column] !== after[column]) ? [after] : [],
    ),
  );
  for (const { before, after } of changes) {
    if (!hasEnded(after.status) || hasEnded(before.status)) continue;
    const { id: jobId } = after;
    context.emit({ type: 'job.ended', jobId });
    if (after.status === 'cancelled' && before.status === 'running' && before.miner_id !== null)
      context.emit({ type: 'job.withdrawn', jobId, minerId: before.miner_id });
  }
  await tellOf(changes, context);
}

/** Extends or moves leases only: no status changes, so no counter does. */
export async function saveLeases(jobs: readonly JobRow[], { tx }: WriteContext): Promise<void> {
  await tx.update('job', 'id', ['lease_expires_at', 'deadline'], jobs);
}

/** Stores new jobs. */
export async function insertJobs(jobs: readonly JobRow[], context: WriteContext): Promise<void> {
  await context.tx.insert('job', jobs);
  await tellOf(
    jobs.map(after => ({ before: undefined, after })),
    context,
  );
}

const tellOf = (changes: readonly SavedChange[], context: WriteContext) =>
  context.publish('job.changed', changes);
