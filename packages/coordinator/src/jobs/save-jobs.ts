import type { FailedJob } from '../store/events.ts';
import type { WriteContext } from '../store/operation.ts';
import type { SavedChange } from '../store/topics.ts';
import { isEnded, type JobChange, type JobRow, requireTransition } from './job.ts';

/**
 * Stores changed jobs and publishes the changes within the transaction, so that counters, streams, replicated jobs and
 * batches change together with the jobs.
 */
export async function saveJobs(changes: readonly JobChange[], context: WriteContext): Promise<void> {
  if (changes.length === 0) return;
  changes.forEach(requireTransition);
  await context.tx.change('job', changes);
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
  await tx.update(
    'job',
    jobs.map(({ id, lease_expires_at }) => ({ id, lease_expires_at })),
  );
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
  await tx.delete('job_input', ids);
  await tx.delete('job_output', ids);
  await tx.update(
    'job',
    ids.map(id => ({ id, erased_at: now, webhook: null })),
  );
}
