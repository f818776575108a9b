import type { WriteContext } from '../../store/operation.ts';
import { modelsIn } from '../content.ts';
import type { JobChange, JobRow } from '../job.ts';
import { createRanker } from './fairness.ts';
import { loadJobQueues } from './job-queues.ts';

/*
 * A job may name several models, best first. It is always queued for one of them. Another one follows when no live miner
 * can run the current one, when the job has waited for too long, or when it would fail.
 */

/** A pending job and the model that it is queued for from now on. */
export interface Move {
  job: JobRow;
  model: string;
}

/** Returns the jobs as they are in the queues of their new models, where each gets the rank of a new job. */
export async function moveToModels(moves: readonly Move[], context: WriteContext): Promise<JobRow[]> {
  const queueIds = [...new Set(moves.map(({ job }) => job.queue_id))];
  const queues = await context.tx.load('queue', 'id', queueIds);
  const queuesById = new Map(queues.map(queue => [queue.id, queue]));
  const places = moves.flatMap(({ job, model }) => {
    const queue = queuesById.get(job.queue_id);
    if (!queue) return [];
    const { priority, region, min_vram_gb, needs, min_context, miners, passport_demand } = queue;
    // Miners that failed with one model may run another, so the job has no exclusions any more.
    const kept = { priority, region, min_vram_gb, needs, min_context, miners, passport_demand };
    return [{ ...kept, model, restriction: 0 }];
  });
  const jobQueues = await loadJobQueues(places, context);
  const fairQueues = places.map(jobQueues.queueOf);
  const accountIds = [...new Set(moves.map(({ job }) => job.account_id))];
  const ranker = await createRanker(context.tx, [...new Set(fairQueues)], accountIds);
  const moved = moves.flatMap(({ job, model }, index) => {
    const fairQueue = fairQueues[index];
    if (!fairQueue) return [];
    const rank = ranker.next(fairQueue, job.account_id);
    return [{ ...job, model, owners: null, queue_id: fairQueue.queue.id, rank }];
  });
  await ranker.save();
  return moved;
}

/** Queues jobs that would fail for their next model, which gets as many attempts as the first one. */
export async function toNextModels(
  changes: readonly JobChange[],
  context: WriteContext,
): Promise<readonly JobChange[]> {
  const failing = changes.filter(
    ({ before, after }) => before.status === 'running' && after.status === 'failed',
  );
  const ids = failing.flatMap(({ after }) => (after.role === 'ordinary' ? [after.id] : []));
  if (ids.length === 0) return changes;
  const [fallbacks, inputs] = await Promise.all([
    context.tx.load('job_fallback', 'job_id', ids),
    context.tx.load('job_input', 'job_id', ids),
  ]);
  const attempts = new Map(fallbacks.map(row => [row.job_id, row.attempts]));
  const models = new Map(inputs.map(input => [input.job_id, modelsIn(input)]));
  const moves = failing.flatMap(({ after }): Move[] => {
    const more = attempts.get(after.id);
    const named = models.get(after.id) ?? [];
    const model = named[named.indexOf(after.model) + 1];
    return more === undefined || model === undefined ? [] : [{ model, job: pendingAgain(after, more) }];
  });
  if (moves.length === 0) return changes;
  const moved = new Map((await moveToModels(moves, context)).map(job => [job.id, job]));
  return changes.map(change => ({ ...change, after: moved.get(change.after.id) ?? change.after }));
}

const pendingAgain = (failed: JobRow, attempts: number): JobRow => ({
  ...failed,
  status: 'pending',
  max_attempts: failed.attempts + attempts,
  ...{ miner_id: null, started_at: null, completed_at: null, deadline: null },
  ...{ error_code: null, error_detail: null, error_class: null, engine_code: null },
});
