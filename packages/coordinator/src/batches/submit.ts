import { batchLine } from '../jobs/batch-line.ts';
import type { NewJob, SubmitInput, SubmitOutput } from '../jobs/submitting/submit-jobs.ts';
import type { AccountQuota } from '../limits/quotas.ts';
import { done, type Operation, type Outcome } from '../store/operation.ts';
import { isAt } from './batch.ts';
import { loadBatches } from './create.ts';
import type { Place } from './lines.ts';
import { overtaken } from './stages.ts';

export interface SubmitPageInput {
  batchId: string;
  quota: AccountQuota | undefined;
  from: Place;
  to: Place;
  jobs: readonly { line: number; job: NewJob }[];
  /** There is no more behind it. */
  isLast: boolean;
}

/** Submits the jobs of a page of a batch's file, by the same rules as all jobs, and moves on behind it. */
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
    for (const { batchId, quota, from, to, jobs, isLast } of inputs) {
      const batch = batches.get(batchId);
      if (!isAt(batch, 'submitting', from) || batch.expires_at <= now) {
        outcomes.push(overtaken);
        continue;
      }
      const ttlMs = batch.expires_at - now;
      const asked = jobs.map(({ line, job }) => ({ ...job, ttlMs, batchLine: batchLine(batchId, line) }));
      const [outcome] =
        asked.length === 0
          ? []
          : await submit.apply([{ accountId: batch.account_id, quota, jobs: asked }], context);
      if (outcome && !outcome.ok) {
        outcomes.push(outcome);
        continue;
      }
      const moved = { ...batch, ...to, stage: isLast ? ('running' as const) : batch.stage };
      batches.set(batchId, moved);
      await tx.update('batch', 'id', ['stage', 'part', 'position', 'line'], [moved]);
      outcomes.push(done(undefined));
    }
    return outcomes;
  },
});
