import type { Directory } from '../../miners/directory.ts';
import { done, type Operation } from '../../store/operation.ts';
import type { Store } from '../../store/store.ts';
import { modelsIn } from '../content.ts';
import { isEnded, type JobChange } from '../job.ts';
import { loadJobs } from '../lookup.ts';
import { saveJobs } from '../save-jobs.ts';
import { moveToModels } from '../scheduling/fallbacks.ts';
import type { QueueKey } from '../scheduling/job-queues.ts';

export interface FallBackInput {
  jobId: string;
  /** The model that the job was queued for when it was decided on. */
  from: string;
  /** The model that it is to be queued for, or undefined to leave it. */
  to: string | undefined;
}

/** Queues waiting jobs for other models, and sets when these jobs are looked at again. */
export const fallBackJobs = (waitMs: number): Operation<FallBackInput, undefined> => ({
  name: 'jobs.fall-back',
  async apply(inputs, context) {
    const { tx, now } = context;
    const ids = inputs.map(({ jobId }) => jobId);
    const jobs = await loadJobs(tx, ids);
    const moves = inputs.flatMap(({ jobId, from, to }) => {
      const job = jobs.get(jobId);
      const isReady = job?.status === 'pending' && job.held_until === null && job.expires_at > now;
      return job && to !== undefined && isReady && job.model === from ? [{ job, model: to }] : [];
    });
    if (moves.length > 0) {
      const moved = await moveToModels(moves, context);
      // The index of ready jobs is sorted by ranks, so a job leaves it before its rank changes.
      const held = moves.map(({ job }) => ({ before: job, after: { ...job, held_until: now } }));
      await tx.change('job', held);
      const changes = held.flatMap(({ after: before }, index): JobChange[] => {
        const after = moved[index];
        return after ? [{ before, after }] : [];
      });
      await saveJobs(changes, context);
    }
    const over = ids.filter(id => isEnded(jobs.get(id)?.status ?? 'cancelled'));
    await tx.delete('job_fallback', over);
    const again = ids.filter(id => !over.includes(id)).map(job_id => ({ job_id, due_at: now + waitMs }));
    await tx.update('job_fallback', again);
    return inputs.map(() => done(undefined));
  },
});

/** The most jobs that one step looks at. */
const AT_ONCE = 200;

export interface FallBackOptions {
  store: Store;
  directory: Pick<Directory, 'reach'>;
  now: () => number;
  operations: { fallBackJobs: Operation<FallBackInput, undefined> };
}

/** Decides on the jobs that have waited for too long. Returns whether there may be more of them. */
export async function fallBack({ store, directory, now, operations }: FallBackOptions): Promise<boolean> {
  const due = await store.read
    .selectFrom('job_fallback')
    .innerJoin('job', 'job.id', 'job_fallback.job_id')
    .innerJoin('queue', 'queue.id', 'job.queue_id')
    .innerJoin('job_input', 'job_input.job_id', 'job.id')
    .select(['job.id', 'job.model', 'job.status', 'job_input.models'])
    .select(['queue.priority', 'queue.region', 'queue.min_vram_gb', 'queue.restriction', 'queue.needs'])
    .select(['queue.min_context', 'queue.miners', 'queue.passport_demand'])
    .where('due_at', '<=', now())
    .orderBy('due_at')
    .limit(AT_ONCE)
    .execute();
  await Promise.all(
    due.map(({ id: jobId, models, ...place }) => {
      const to = place.status === 'pending' ? laterModel(modelsIn({ models }), place, directory) : undefined;
      return store.write(operations.fallBackJobs, { jobId, from: place.model, to });
    }),
  );
  return due.length === AT_ONCE;
}

/** Returns the first of these models that a live miner can run, or the first one if none can be run. */
export function bestModel(
  models: readonly string[],
  place: QueueKey,
  { reach }: Pick<Directory, 'reach'>,
): string {
  return models.find(model => reach({ ...place, model }).miners > 0) ?? models[0] ?? place.model;
}

/**
 * Returns the model that a job goes on to after waiting: the first later one that a live miner can run. Only if nobody can
 * run the current model is it an earlier one, so that a job never goes round in a circle.
 */
function laterModel(
  models: readonly string[],
  place: QueueKey,
  { reach }: Pick<Directory, 'reach'>,
): string | undefined {
  const canRun = (model: string) => reach({ ...place, model }).miners > 0;
  const at = models.indexOf(place.model);
  const later = models.slice(at + 1).find(canRun);
  if (later !== undefined || canRun(place.model)) return later;
  return models.slice(0, Math.max(at, 0)).find(canRun);
}
