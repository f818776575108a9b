import { type Kysely, sql } from 'kysely';
import type { DatabaseSchema } from '../store/schema.ts';

/** The waiting jobs of one queue. */
export interface QueueBacklog {
  model: string;
  pending: number;
  /** When the oldest of its next jobs was submitted, or null if that is not known. */
  oldest: number | null;
}

/** How many queues are read, those with the most jobs. Clients choose what makes a queue, so there may be many. */
const MAX_QUEUES = 500;
/** How many queues are looked through for those. */
const MAX_SCANNED = 10_000;
/** Among how many of a queue's next jobs the oldest is looked for. */
const MAX_NEXT_JOBS = 100;

/** Reads the waiting jobs of queues. The time that it takes is bounded, however many jobs and queues there are. */
export async function readBacklog(db: Kysely<DatabaseSchema>): Promise<QueueBacklog[]> {
  const { rows } = await sql<QueueBacklog>`
    SELECT q.model, q.pending, (
      SELECT min(next.created_at) FROM (
        SELECT job.created_at FROM job
        WHERE job.queue_id = q.id AND job.status = 'pending' AND job.held_until IS NULL
        ORDER BY job.rank, job.id LIMIT ${sql.lit(MAX_NEXT_JOBS)}
      ) AS next
    ) AS oldest
    FROM (
      SELECT id, model, pending FROM (
        SELECT id, model, pending FROM queue WHERE pending > 0 ORDER BY model, id LIMIT ${sql.lit(MAX_SCANNED)}
      ) AS waiting ORDER BY pending DESC LIMIT ${sql.lit(MAX_QUEUES)}
    ) AS q`.execute(db);
  return rows.map(({ model, pending, oldest }) => ({
    ...{ model, pending: Number(pending) },
    oldest: oldest === null ? null : Number(oldest),
  }));
}

/** Reads how many answers are not verified yet, from a counter. */
export async function readOpenVerifications(db: Kysely<DatabaseSchema>): Promise<number> {
  const row = await db
    .selectFrom('counter')
    .select('value')
    .where('name', '=', 'verifications.open')
    .executeTakeFirst();
  return row?.value ?? 0;
}
