import type { ReadyQueue } from '../../store/events.ts';
import type { WriteContext } from '../../store/operation.ts';
import type { Row } from '../../store/schema.ts';
import type { SavedChange } from '../../store/topics.ts';
import type { JobRow } from '../job.ts';

/** Counts the jobs of queues and clocks, and wakes waiting miners when jobs become ready. */
export async function countQueues(
  changes: readonly SavedChange[],
  { tx, emit }: WriteContext,
): Promise<void> {
  const queues: Moved[] = [];
  const ready = new Map<number, number>();
  for (const { before, after } of changes) {
    const isMoved = before !== undefined && before.queue_id !== after.queue_id;
    if (isReady(after) && (isMoved || !(before && isReady(before))))
      ready.set(after.queue_id, (ready.get(after.queue_id) ?? 0) + 1);
    if (before?.status === after.status && !isMoved) continue;
    if (before && isQueued(before)) queues.push({ id: before.queue_id, [before.status]: -1 });
    if (isQueued(after)) queues.push({ id: after.queue_id, [after.status]: 1 });
  }
  const ids = new Set([...queues.map(({ id }) => id), ...ready.keys()]);
  const clockOf = new Map<number, number>();
  for (const queue of await tx.load('queue', 'id', [...ids])) {
    clockOf.set(queue.id, queue.clock_id);
    const count = ready.get(queue.id);
    if (count)
      emit({ type: 'jobs.ready', queue: requirementsOf(queue), count, runs: queue.restriction !== 0 });
  }
  await tx.add('queue', queues);
  await tx.add(
    'fair_clock',
    queues.flatMap(({ id, ...moved }) => {
      const clock = clockOf.get(id);
      return clock === undefined ? [] : [{ id: clock, ...moved }];
    }),
  );
}

/** What is added to a queue's counts of jobs. */
type Moved = Pick<Row<'queue'>, 'id'> & Partial<Pick<Row<'queue'>, 'pending' | 'running'>>;

const isReady = (job: JobRow) => job.status === 'pending' && job.held_until === null;

/** A replicated job stands in no queue itself; its runs do. */
const isQueued = (job: JobRow): job is JobRow & { status: 'pending' | 'running' } =>
  job.role !== 'replicated' && (job.status === 'pending' || job.status === 'running');

const requirementsOf = ({
  model,
  region,
  min_vram_gb,
  needs,
  min_context,
  miners,
  passport_demand,
}: ReadyQueue): ReadyQueue => ({
  ...{ model, region, min_vram_gb, needs, min_context, miners, passport_demand },
});
