import { appendPart, type FileStart, finishFile, holdFiles } from '../files/upload.ts';
import { batchLine } from '../jobs/batch-line.ts';
import type { NewJob, SubmitInput, SubmitOutput } from '../jobs/submitting/submit-jobs.ts';
import type { AccountQuota } from '../limits/quotas.ts';
import { done, type Operation, type Outcome, type WriteContext } from '../store/operation.ts';
import type { Place } from './batch.ts';
import { type BatchRow, end, isAt } from './batch.ts';
import { loadBatches, overtaken } from './stages.ts';

export interface SubmitPageInput {
  batchId: string;
  quota: AccountQuota | undefined;
  budgetKeys: readonly string[];
  from: Place;
  to: Place;
  jobs: readonly { line: number; job: NewJob }[];
  /** Whether this is the last page. */
  isLast: boolean;
}

/** Submits the jobs of one page of a batch's file by the rules of all jobs, and advances the batch. */
export const submitPages = (
  submit: Operation<SubmitInput, SubmitOutput>,
): Operation<SubmitPageInput, undefined> => ({
  name: 'batches.submit',
  async apply(inputs, context) {
    const { tx, now } = context;
    const batches = await loadBatches(
      inputs.map(input => input.batchId),
      tx,
    );
    const outcomes: Outcome<undefined>[] = [];
    for (const { batchId, quota, budgetKeys, from, to, jobs, isLast } of inputs) {
      const batch = batches.get(batchId);
      if (!isAt(batch, 'submitting', from) || batch.expires_at <= now) {
        outcomes.push(overtaken);
        continue;
      }
      const ttlMs = batch.expires_at - now;
      const asked = jobs.map(({ line, job }) => ({ ...job, ttlMs, batchLine: batchLine(batchId, line) }));
      const { account_id: accountId, traceparent } = batch;
      const submitter = { accountId, traceparent: traceparent ?? undefined };
      const [outcome] =
        asked.length === 0
          ? []
          : await submit.apply([{ ...submitter, quota, budgetKeys, jobs: asked }], context);
      if (outcome && !outcome.ok) {
        outcomes.push(outcome);
        continue;
      }
      const moved = { ...batch, ...to, stage: isLast ? ('running' as const) : batch.stage };
      batches.set(batchId, moved);
      await tx.change('batch', [{ before: batch, after: moved }]);
      outcomes.push(done(undefined));
    }
    return outcomes;
  },
});

/** Lines of a batch's output or error file. */
interface Lines {
  /** The id of the file, if these are its first lines. */
  fileId: string;
  text: string;
}

export interface WritePageInput {
  batchId: string;
  from: Place;
  to: Place;
  output: Lines;
  errors: Lines;
  /** Requests without a job, and completed jobs whose result is no answer. */
  missing: number;
  unusable: number;
  isLast: boolean;
}

/** Writes the results of one page of requests, and ends the batch after the last page. */
export const writePages = ({ keepMs }: { keepMs: number }): Operation<WritePageInput, undefined> => ({
  name: 'batches.write',
  async apply(inputs, context) {
    const { tx, now } = context;
    const outcomes: Outcome<undefined>[] = [];
    for (const input of inputs) {
      const { batchId: id, from, to, missing, unusable, isLast } = input;
      const batch = (await loadBatches([id], tx)).get(id);
      if (!isAt(batch, 'writing', from)) {
        outcomes.push(overtaken);
        continue;
      }
      const written = {
        ...batch,
        ...to,
        output_file_id: await append(batch, batch.output_file_id, 'output', input.output, context),
        error_file_id: await append(batch, batch.error_file_id, 'errors', input.errors, context),
      };
      const moved = isLast ? end(written, batch.outcome ?? 'completed', now) : written;
      await tx.change('batch', [{ before: batch, after: moved }]);
      const counts = { failed: missing + unusable, completed: -unusable };
      if (missing + unusable > 0) await tx.add('batch', [{ id, ...counts }]);
      if (isLast) {
        await finish(moved, keepMs, context);
        await context.publish('batch.ended', [moved]);
      }
      outcomes.push(done(undefined));
    }
    return outcomes;
  },
});

/** @returns the id of the file, or null if nothing has been written to it */
async function append(
  { id, account_id }: BatchRow,
  fileId: string | null,
  name: string,
  lines: Lines,
  { tx, now }: WriteContext,
): Promise<string | null> {
  if (lines.text === '') return fileId;
  const start: FileStart = {
    ...{ id: fileId ?? lines.fileId, accountId: account_id, purpose: 'batch_output' },
    filename: `${id}_${name}.jsonl`,
  };
  await appendPart(start, lines.text, tx, now);
  return start.id;
}

/** Makes the written files visible, and releases the input file, which its owner may then delete. */
async function finish(
  { input_file_id, output_file_id, error_file_id }: BatchRow,
  keepMs: number,
  { tx, now }: WriteContext,
): Promise<void> {
  const written = [output_file_id, error_file_id].filter(id => id !== null);
  for (const id of written) await finishFile(id, keepMs, tx, now);
  await holdFiles([[input_file_id, -1]], tx);
}
