import type { Kysely } from 'kysely';
import type { StreamChunk } from '../../store/events.ts';
import type { DatabaseSchema } from '../../store/schema.ts';
import { chunkId, textEnd } from '../chunk-ids.ts';
import { ERROR_COLUMNS, type JobRow } from '../job.ts';

type Db = Kysely<DatabaseSchema>;

/** A job and the length of its stream at one moment. */
export type FollowedJob = Pick<
  JobRow,
  | 'id'
  | 'account_id'
  | 'role'
  | 'status'
  | 'attempts'
  | 'max_attempts'
  | 'miner_id'
  | (typeof ERROR_COLUMNS)[number]
  | 'receipt_id'
  | 'erased_at'
  | 'stream'
> & { restarts: number | null; chunks: number | null };

export async function findFollowedJob(db: Db, id: string): Promise<FollowedJob | undefined> {
  return await db
    .selectFrom('job')
    .leftJoin('job_stream', 'job_stream.job_id', 'job.id')
    .select(['job.id', 'account_id', 'role', 'status', 'attempts', 'max_attempts', 'miner_id'])
    .select([...ERROR_COLUMNS, 'receipt_id', 'erased_at', 'stream', 'restarts', 'chunks'])
    .where('job.id', '=', id)
    .executeTakeFirst();
}

/** Lists the chunks since a restart, starting with the chunk `first`. */
export async function listChunks(
  db: Db,
  { jobId, restarts, first, limit }: { jobId: string; restarts: number; first: number; limit: number },
): Promise<StreamChunk[]> {
  return await db
    .selectFrom('job_chunk')
    .select(['kind', 'text'])
    .where('id', '>=', chunkId(jobId, restarts, first))
    .where('id', '<', textEnd(jobId, restarts))
    .orderBy('id')
    .limit(limit)
    .execute();
}
