import type { AnswerDetails, Job } from '@aitbc/protocol';
import { isoTime } from '../store/numbers.ts';
import type { Store } from '../store/store.ts';
import { batchLine, behindBatch, lineNumber } from './batch-line.ts';
import { findBatchJobs, findOpenBatchJobs } from './queries.ts';
import { jobErrorOf, toResult } from './views.ts';

/** The number of jobs that are cancelled at once. */
const AT_ONCE = 100;

/** A job of a batch, with its result if it has one. */
export type EndedJob = Pick<
  Job,
  | 'job_id'
  | 'model'
  | 'status'
  | 'created_at'
  | 'result'
  | 'result_type'
  | 'finish_reason'
  | 'usage'
  | keyof AnswerDetails
  | 'receipt_id'
  | 'error'
> & { erased: boolean };

/** Returns the jobs of the lines `from` to `to` of a batch, by line. */
export async function readBatchJobs(
  store: Store,
  batchId: string,
  from: number,
  to: number,
): Promise<Map<number, EndedJob>> {
  const rows = await findBatchJobs(store.read, batchLine(batchId, from), batchLine(batchId, to));
  return new Map(
    rows.map(row => {
      const { id, model, status, created_at, receipt_id, result, type, finish_reason, usage, details } = row;
      const output =
        status === 'completed' && result !== null && type !== null
          ? { result, type, finish_reason, usage, details, parameters: null }
          : undefined;
      return [
        lineNumber(row.batch_line ?? ''),
        {
          ...{ job_id: id, model, status, receipt_id, erased: row.erased_at !== null },
          ...{ created_at: isoTime(created_at), error: jobErrorOf(row), ...toResult(output) },
        },
      ];
    }),
  );
}

/** Cancels the unfinished jobs of a batch until the signal aborts. The batch must submit no more jobs. */
export async function cancelBatchJobs(
  store: Store,
  batchId: string,
  cancel: (jobId: string) => Promise<unknown>,
  signal: AbortSignal,
): Promise<void> {
  let after = batchLine(batchId, 0);
  while (!signal.aborted) {
    const to = behindBatch(batchId);
    const open = await findOpenBatchJobs(store.read, { after, to, limit: AT_ONCE });
    const last = open.at(-1);
    if (!last) return;
    await Promise.all(open.map(({ id }) => cancel(id)));
    after = last.batch_line;
  }
}
