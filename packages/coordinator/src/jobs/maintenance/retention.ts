import { done, type Operation, type WriteContext } from '../../store/operation.ts';
import type { Row } from '../../store/schema.ts';
import { BATCH_ID_LENGTH } from '../batch-line.ts';
import type { JobRow } from '../job.ts';
import { deleteChunks } from '../streaming/chunks.ts';

export interface RetentionPolicy {
  /** Texts stay so long after their job has ended, in ms; 0: for ever. */
  retentionMs: number;
  /** Streamed text stays so long after its job has ended, in ms. */
  streamKeepMs: number;
}

/** Few, since each may have a megabyte of text, and other writes wait for as long as this takes. */
const AT_ONCE = 100;

/** Results that a batch has still to write stay: few, since the window of a batch is hardly longer than texts stay. */
const DUE = `SELECT * FROM job WHERE completed_at <= ? AND erased_at IS NULL AND (batch_line IS NULL OR NOT EXISTS
    (SELECT 1 FROM batch WHERE batch.id = substr(job.batch_line, 1, ${BATCH_ID_LENGTH}) AND batch.stage <> 'done'))
  ORDER BY completed_at LIMIT ${AT_ONCE}`;

const STREAMS_DUE = `SELECT * FROM job_stream WHERE ended_at <= ? ORDER BY ended_at LIMIT ${AT_ONCE}`;

/**
 * Erases the texts of jobs that ended too long ago: prompt, params, metadata, result, usage. The job stays, with the
 * salt that opens its receipt's hashes for whoever has kept the texts. What was streamed goes sooner, or with them.
 * Answers whether another step has something to do.
 */
export function eraseTexts({
  retentionMs,
  streamKeepMs,
}: RetentionPolicy): Operation<undefined, { more: boolean }> {
  return {
    name: 'jobs.erase',
    async apply(inputs, context) {
      const { tx, now } = context;
      const due = retentionMs === 0 ? [] : await tx.query<JobRow>(DUE, [now - retentionMs]);
      await eraseTextsOf(
        due.map(job => job.id),
        context,
      );
      const keepMs = retentionMs === 0 ? streamKeepMs : Math.min(streamKeepMs, retentionMs);
      const streams = await eraseStreams(now - keepMs, context);
      return inputs.map(() => done({ more: due.length === AT_ONCE || streams === AT_ONCE }));
    },
  };
}

/** Erases prompts and results; the jobs stay. */
export async function eraseTextsOf(ids: readonly string[], { tx, now }: WriteContext): Promise<void> {
  await tx.delete('job_input', 'job_id', ids);
  await tx.delete('job_output', 'job_id', ids);
  await tx.update(
    'job',
    'id',
    ['erased_at'],
    ids.map(id => ({ id, erased_at: now })),
  );
}

/** @returns how many were due */
async function eraseStreams(endedUntil: number, { tx }: WriteContext): Promise<number> {
  const due = await tx.query<Row<'job_stream'>>(STREAMS_DUE, [endedUntil]);
  for (const { job_id } of due) await deleteChunks(job_id, tx);
  await tx.delete(
    'job_stream',
    'job_id',
    due.map(stream => stream.job_id),
  );
  return due.length;
}
