import { done, type Operation, type WriteContext } from '../../store/operation.ts';
import type { Row } from '../../store/schema.ts';
import { BATCH_ID_LENGTH } from '../batch-line.ts';
import type { JobRow } from '../job.ts';
import { eraseTextsOf } from '../save-jobs.ts';
import { deleteChunks } from '../streaming/chunks.ts';

export interface RetentionPolicy {
  /** How long texts are kept after the end of their job, in ms, or 0 for ever. */
  retentionMs: number;
  /** How long streamed text is kept after the end of its job, in ms. */
  streamKeepMs: number;
}

/** The number is small because each job may have a megabyte of text, and other writes wait meanwhile. */
const AT_ONCE = 100;

/**
 * Results that a batch has yet to write are kept. There are few, because a batch's window is hardly longer than the
 * retention.
 */
const DUE = `SELECT * FROM job WHERE completed_at <= ? AND erased_at IS NULL AND (batch_line IS NULL OR NOT EXISTS
    (SELECT 1 FROM batch WHERE batch.id = substr(job.batch_line, 1, ${BATCH_ID_LENGTH}) AND batch.stage <> 'done'))
  ORDER BY completed_at LIMIT ${AT_ONCE}`;

const STREAMS_DUE = `SELECT * FROM job_stream WHERE ended_at <= ? ORDER BY ended_at LIMIT ${AT_ONCE}`;

/**
 * Erases the texts of jobs that ended too long ago: prompt, params, metadata, result, usage and
 * its own webhook's URL. The job stays, with the salt that opens its receipt's hashes for anyone who kept the texts.
 * Streamed text is erased earlier or at the same time. Returns whether there is more to erase.
 */
export function eraseTexts({
  retentionMs,
  streamKeepMs,
}: RetentionPolicy): Operation<undefined, { more: boolean }> {
  return {
    name: 'jobs.erase',
    async apply(inputs, context) {
      const { tx, now } = context;
      const due = retentionMs === 0 ? [] : await tx.query<JobRow>(['job', 'batch'], DUE, [now - retentionMs]);
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

/** @returns the number of erased streams */
async function eraseStreams(endedUntil: number, { tx }: WriteContext): Promise<number> {
  const due = await tx.query<Row<'job_stream'>>(['job_stream'], STREAMS_DUE, [endedUntil]);
  for (const { job_id } of due) await deleteChunks(job_id, tx);
  await tx.delete(
    'job_stream',
    due.map(stream => stream.job_id),
  );
  return due.length;
}
