import type { WriteContext } from '../../store/operation.ts';
import type { Transaction } from '../../store/transaction.ts';
import { hasEnded, type SavedChange } from '../job.ts';

/*
 * A job's stream is its text as it is generated, in chunks. Each attempt writes a run of its own. If an attempt ends
 * and the job does not, its text is deleted and the next run starts anew. The number of an attempt does not identify a
 * run, because a returned attempt is not counted.
 */

const RUN_DIGITS = 6;
const INDEX_DIGITS = 8;

const runPrefix = (jobId: string, run: number) => `${jobId}/${String(run).padStart(RUN_DIGITS, '0')}/`;

/** Ids sort by job, run and index. */
export const chunkId = (jobId: string, run: number, index: number) =>
  runPrefix(jobId, run) + String(index).padStart(INDEX_DIGITS, '0');

/** Returns a key that sorts after every chunk of the run. */
export const runEnd = (jobId: string, run: number) => `${runPrefix(jobId, run)}~`;

/** Updates the streams of jobs that changed: starts a new run or ends the stream. Does nothing if no job streams. */
export async function moveStreams(changes: readonly SavedChange[], context: WriteContext): Promise<void> {
  const moved = changes.filter(
    ({ before, after }) => before && after.stream === 1 && before.status !== after.status,
  );
  if (moved.length === 0) return;
  const { tx, now, emit } = context;
  for (const { before, after } of moved) {
    if (before?.status === 'running' && after.status === 'pending') await restartStream(after.id, tx);
    if (!hasEnded(after.status)) emit({ type: 'job.streamed', jobId: after.id });
  }
  const ended = moved.filter(({ after }) => hasEnded(after.status));
  await tx.update(
    'job_stream',
    'job_id',
    ['ended_at'],
    ended.map(({ after }) => ({ job_id: after.id, ended_at: now })),
  );
}

async function restartStream(jobId: string, tx: Transaction): Promise<void> {
  const sql =
    'UPDATE job_stream SET run = run + 1, chunks = 0, bytes = 0, first_chunk_at = NULL WHERE job_id = ?';
  await tx.execute('job_stream', sql, [jobId]);
  await deleteChunks(jobId, tx);
}

/** Deletes the chunks of all runs of a job. */
export async function deleteChunks(jobId: string, tx: Transaction): Promise<void> {
  // '0' is the character after '/' in ASCII.
  await tx.execute('job_chunk', 'DELETE FROM job_chunk WHERE id > ? AND id < ?', [`${jobId}/`, `${jobId}0`]);
}
