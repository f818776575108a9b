import { sql } from 'kysely';
import type { ReadyQueue } from '../../store/events.ts';
import type { Store } from '../../store/store.ts';
import type { Waits } from './waiting.ts';

/*
 * A job can become ready for a waiting miner without an event: a delay after a failure ends, an owner may have more jobs
 * at once, or a notification from another coordinator is lost. So miners that wait look again while jobs of theirs are
 * stuck. Reading the queues once for all of them costs the same for ten thousand waiting miners as for one.
 */

/** The most queues that one look reads. Their order changes as jobs start, so no queue is left out for long. */
const MAX_QUEUES = 1_000;

/** Wakes the miners that can run jobs which are still ready although they were submitted before this time. */
export async function wakeForStuckJobs(
  { read }: Store,
  waits: Pick<Waits, 'models' | 'lookAgain'>,
  before: number,
): Promise<void> {
  const models = [...waits.models].slice(0, MAX_QUEUES);
  if (models.length === 0) return;
  waits.lookAgain(await readStuckQueues(read, models, before));
}

/** Returns queues of these models whose next job was submitted before this time. */
async function readStuckQueues(
  db: Store['read'],
  models: readonly string[],
  before: number,
): Promise<ReadyQueue[]> {
  const firstJob = sql<number>`(
    SELECT created_at FROM job
    WHERE queue_id = queue.id AND status = 'pending' AND held_until IS NULL
    ORDER BY rank, id LIMIT 1)`;
  return await db
    .selectFrom('queue')
    .select(['model', 'region', 'min_vram_gb', 'needs', 'min_context', 'miners', 'passport_demand'])
    .where('pending', '>', 0)
    .where('model', 'in', models)
    .where(firstJob, '<=', before)
    .limit(MAX_QUEUES)
    .execute();
}
