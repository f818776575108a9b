import type { WriteContext } from '../../store/operation.ts';
import type { Transaction } from '../../store/transaction.ts';
import { hasEnded, type SavedChange } from '../job.ts';

/*
 * A job's stream is its text as it is generated, in chunks. Each run of it is one attempt's; when an attempt ends
 * without an end of the job, its text is void and the next run starts anew. An attempt's number does not tell runs
 * apart, since one that is handed back does not count.
 */

const RUN_DIGITS = 6;
const INDEX_DIGITS = 8;

const runPrefix = (jobId: string, run: number) => `${jobId}/${String(run).padStart(RUN_DIGITS, '0')}/`;

/** Sorts by job, run and index. */
export const chunkId = (jobId: string, run: number, index: number) =>
  runPrefix(jobId, run) + String(index).padStart(INDEX_DIGITS, '0');

/** Behind every chunk of the run. */
export const runEnd = (jobId: string, run: number) => `${runPrefix(jobId, run)}~`;

/** Lets streams follow their jobs: on to another run, or to the end. Costs nothing where none of them streams. */
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

/** Chunks of a job, of whichever run. */
export async function deleteChunks(jobId: string, tx: Transaction): Promise<void> {
  // The character behind the slash that the ids go on with.
  await tx.execute('job_chunk', 'DELETE FROM job_chunk WHERE id > ? AND id < ?', [`${jobId}/`, `${jobId}0`]);
}
