import { type Kysely, sql } from 'kysely';
import type { DatabaseSchema } from '../../store/schema.ts';

type Db = Kysely<DatabaseSchema>;

export interface WaitingQueue {
  model: string;
  pending: number;
  /** When the job was submitted that is next in the queue. Null when none is ready. */
  next_created_at: number | null;
}

/** Clients choose the requirements of jobs, and so the number of queues. */
const MAX_QUEUES = 1_000;

/** Returns queues with waiting jobs, by model. */
export async function listWaitingQueues(db: Db): Promise<WaitingQueue[]> {
  return await db
    .selectFrom('queue')
    .select(['model', 'pending'])
    .select(query =>
      query
        .selectFrom('job')
        .select('created_at')
        .whereRef('queue_id', '=', 'queue.id')
        // As the index over ready jobs has it.
        .where(sql<boolean>`status = 'pending' AND held_until IS NULL`)
        .orderBy('rank')
        .orderBy('id')
        .limit(1)
        .as('next_created_at'),
    )
    .where('pending', '>', 0)
    .orderBy('model')
    .orderBy('id')
    .limit(MAX_QUEUES)
    .execute();
}

/** Returns how many jobs of each of these models run. */
export async function findRunning(db: Db, models: readonly string[]): Promise<ReadonlyMap<string, number>> {
  if (models.length === 0) return new Map();
  const rows = await db
    .selectFrom('fair_clock')
    .select(({ fn }) => ['model', fn.sum<number>('running').as('running')])
    .where('model', 'in', models)
    .groupBy('model')
    .execute();
  return new Map(rows.map(({ model, running }) => [model, Number(running)]));
}
