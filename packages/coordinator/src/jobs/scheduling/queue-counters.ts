import type { ReadyQueue } from '../../store/events.ts';
import { Increments } from '../../store/increments.ts';
import type { WriteContext } from '../../store/operation.ts';
import type { SavedChange } from '../../store/topics.ts';
import type { JobRow } from '../job.ts';

/** Counts the jobs of queues and clocks, and wakes waiting miners when jobs become ready. */
export async function countQueues(
  changes: readonly SavedChange[],
  { tx, emit }: WriteContext,
): Promise<void> {
  const queues = new Increments<number, 'pending' | 'running'>(['pending', 'running']);
  const ready = new Map<number, number>();
  for (const { before, after } of changes) {
    const isMoved = before !== undefined && before.queue_id !== after.queue_id;
    if (isReady(after) && (isMoved || !(before && isReady(before))))
      ready.set(after.queue_id, (ready.get(after.queue_id) ?? 0) + 1);
    if (before?.status === after.status && !isMoved) continue;
    if (before && isQueued(before)) queues.add(before.queue_id, before.status, -1);
    if (isQueued(after)) queues.add(after.queue_id, after.status, 1);
  }
  if (queues.isEmpty && ready.size === 0) return;
  const ids = [...new Set([...queues.keys(), ...ready.keys()])];
  const clocks = new Increments<number, 'pending' | 'running'>(['pending', 'running']);
  for (const queue of await tx.load('queue', 'id', ids)) {
    const moved = queues.get(queue.id);
    if (moved && (moved.pending !== 0 || moved.running !== 0)) clocks.addRow(queue.clock_id, moved);
    const count = ready.get(queue.id);
    if (count)
      emit({ type: 'jobs.ready', queue: requirementsOf(queue), count, runs: queue.restriction !== 0 });
  }
  await tx.add('queue', queues.rows('id'));
  await tx.add('fair_clock', clocks.rows('id'));
}

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
