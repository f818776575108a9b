import { done, failed, type Operation } from '../../store/operation.ts';
import { type JobChange, type JobRow, markCancelled } from '../job.ts';
import { endedError, isSeenBy, jobNotFound, loadJobsOf } from '../lookup.ts';
import { saveJobs } from '../save-jobs.ts';
import { type CancelledAttempt, settleDelivered } from './delivered-text.ts';
import type { SettlementPolicy } from './settle.ts';

export interface CancelInput {
  jobId: string;
  /** Null for an administrator. */
  accountId: number | null;
  /** Ids for a receipt, which a streaming job needs if it has delivered text. */
  receipt?: { id: string; nonce: string };
}

/**
 * Cancels a job of the caller. A miner that runs it learns that from its next heartbeat or post. Streamed text that was
 * delivered is paid for.
 */
export function cancelJobs(policy: SettlementPolicy): Operation<CancelInput, JobRow> {
  return {
    name: 'jobs.cancel',
    async apply(inputs, context) {
      const jobs = await loadJobsOf(inputs, context.tx);
      const changes: JobChange[] = [];
      const runs: CancelledAttempt[] = [];
      const outcomes = inputs.map(({ jobId, accountId, receipt }) => {
        const job = jobs.get(jobId);
        if (!job || !isSeenBy(accountId, job)) return jobNotFound;
        if (job.status !== 'pending' && job.status !== 'running') {
          const { code, detail } = endedError(job);
          return failed(code, detail);
        }
        const after = markCancelled(job, context.now);
        jobs.set(jobId, after);
        changes.push({ before: job, after });
        if (receipt) runs.push({ job, receiptId: receipt.id, nonce: receipt.nonce });
        return done(after);
      });
      const paid = await settleDelivered(runs, policy, context);
      for (const { job, receiptId } of runs) {
        const after = jobs.get(job.id);
        // The outcomes hold the same row object.
        if (after && paid.has(job.id)) after.receipt_id = receiptId;
      }
      await saveJobs(
        changes.map(change => ({ ...change, paid: paid.get(change.after.id) })),
        context,
      );
      return outcomes;
    },
  };
}
