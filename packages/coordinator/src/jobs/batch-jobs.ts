import type { AnswerDetails, Job } from '@aitbc/protocol';
import { isoTime } from '../store/numbers.ts';
import type { Store } from '../store/store.ts';
import { batchLine, behindBatch, lineNumber } from './batch-line.ts';
import { findBatchJobs, findOpenBatchJobs } from './queries.ts';
import { errorOf, toResult } from './views.ts';

/** Jobs that are cancelled in one transaction. */
const AT_ONCE = 100;

/** What a job of a batch came to. */
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

/** Jobs of the lines of a batch from one to another, both included, by line. */
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
          ? { result, type, finish_reason, usage, details }
          : undefined;
      return [
        lineNumber(row.batch_line ?? ''),
        {
          ...{ job_id: id, model, status, receipt_id, erased: row.erased_at !== null },
          ...{ created_at: isoTime(created_at), error: errorOf(row), ...toResult(output) },
        },
      ];
    }),
  );
}

/** Cancels what a batch has not ended, until the signal aborts. Nothing must be submitted any more. */
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
