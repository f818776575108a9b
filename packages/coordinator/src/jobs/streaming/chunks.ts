import type { WriteContext } from '../../store/operation.ts';
import type { SavedChange } from '../../store/topics.ts';
import type { WriteTransaction } from '../../store/transaction.ts';
import { isEnded } from '../job.ts';

/*
 * A job's stream is its text as it is generated, in chunks. Each attempt writes a text of its own. If an attempt
 * ends and the job does not, its text is deleted and the stream starts again. A stream counts its restarts itself,
 * because a returned attempt is not counted.
 */

/** Updates the streams of jobs that changed: restarts or ends the stream. Does nothing if no job streams. */
export async function moveStreams(changes: readonly SavedChange[], context: WriteContext): Promise<void> {
  const moved = changes.filter(
    ({ before, after }) => before && after.stream === 1 && before.status !== after.status,
  );
  if (moved.length === 0) return;
  const { tx, now, emit } = context;
  for (const { before, after } of moved) {
    if (before?.status === 'running' && after.status === 'pending') await restartStream(after.id, tx);
    if (!isEnded(after.status)) emit({ type: 'job.streamed', jobId: after.id });
  }
  const ended = moved.filter(({ after }) => isEnded(after.status));
  await tx.update(
    'job_stream',
    ended.map(({ after }) => ({ job_id: after.id, ended_at: now })),
  );
}

async function restartStream(jobId: string, tx: WriteTransaction): Promise<void> {
  const sql =
    'UPDATE job_stream SET restarts = restarts + 1, chunks = 0, bytes = 0, first_chunk_at = NULL WHERE job_id = ?';
  await tx.execute('job_stream', sql, [jobId]);
  await deleteChunks(jobId, tx);
}

/** Deletes all chunks of a job. */
export async function deleteChunks(jobId: string, tx: WriteTransaction): Promise<void> {
  // '0' is the character after '/' in ASCII.
  await tx.execute('job_chunk', 'DELETE FROM job_chunk WHERE id > ? AND id < ?', [`${jobId}/`, `${jobId}0`]);
}
