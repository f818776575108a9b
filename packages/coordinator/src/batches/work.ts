import { cancelBatchJobs } from '../jobs/batch-jobs.ts';
import { type BatchRow, isAnswered } from './batch.ts';
import { validate, type WorkOptions } from './input-file.ts';
import { listUnderWay } from './queries.ts';
import { expireBatches, finalizeBatches } from './stages.ts';
import { submitPage } from './submit-page.ts';
import { writePage } from './write-page.ts';

/** The background work on batches, in steps. */
export interface BatchWork {
  /** Makes the next step of some batches in turn. Returns whether more could be done at once. */
  step(signal: AbortSignal): Promise<boolean>;
}

/** The number of batches that are handled in one step. */
const AT_ONCE = 20;

export function createBatchWork(options: WorkOptions): BatchWork {
  const { store, now, operations } = options;
  let last = '';

  /** Returns whether there is more to do at once. */
  async function advance(batch: BatchRow, signal: AbortSignal): Promise<boolean> {
    const batchId = batch.id;
    if (batch.outcome === null && batch.expires_at <= now() && !isAnswered(batch)) {
      // If the window seems over only because the clock was set ahead, this moves the window first.
      await store.write(operations.keepTime, undefined);
      return (await store.write(expireBatches, { batchId })).ok;
    }
    switch (batch.stage) {
      case 'validating':
        return await validate(batch, options, signal);
      case 'submitting':
        return await submitPage(batch, options);
      case 'ending':
        // A job that has ended meanwhile returns an error and stays as it is.
        await cancelBatchJobs(
          store,
          batchId,
          jobId => store.write(operations.cancelJobs, { jobId, accountId: null }),
          signal,
        );
        return (await store.write(finalizeBatches, { batchId })).ok;
      case 'running':
        if (batch.outstanding > 0) return false;
        return (await store.write(finalizeBatches, { batchId })).ok;
      case 'writing':
        return await writePage(batch, options);
      default:
        return false;
    }
  }

  return {
    async step(signal) {
      const batches = await listUnderWay(store.read, last, AT_ONCE);
      last = batches.length === AT_ONCE ? (batches.at(-1)?.id ?? '') : '';
      let more = last !== '';
      const errors: unknown[] = [];
      /** Steps are made one after the other, so that an owner with many batches has one turn at a time. */
      async function advanceAll(own: readonly BatchRow[]) {
        for (const batch of own) {
          if (signal.aborted) return;
          try {
            more = (await advance(batch, signal)) || more;
          } catch (error) {
            // An error in one batch does not stop the others.
            errors.push(error);
          }
        }
      }
      await Promise.all([...Map.groupBy(batches, batch => batch.account_id).values()].map(advanceAll));
      if (signal.aborted) return false;
      if (errors.length > 0) throw errors[0];
      return more;
    },
  };
}
