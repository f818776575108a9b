import type { Job, LIMITS, SubmitJob } from '@aitbc/protocol';
import { PartialBatchError } from '../errors.ts';

/** Only the type of the limit is imported: its value would bring the schemas along. */
const JOBS_PER_CALL: (typeof LIMITS)['batchJobs'] = 1_000;

/**
 * Submits any number of jobs in calls of as many as one may carry, one after the other. Each call has its own
 * idempotency key, made from the one given, so that a repeated batch continues where it broke off.
 */
export async function submitInParts(
  jobs: readonly SubmitJob[],
  idempotencyKey: string,
  submit: (jobs: SubmitJob[], idempotencyKey: string) => Promise<Job[]>,
): Promise<Job[]> {
  const accepted: Job[] = [];
  for (let start = 0; start < jobs.length; start += JOBS_PER_CALL) {
    const key = start === 0 ? idempotencyKey : `${idempotencyKey}+${start}`;
    try {
      accepted.push(...(await submit(jobs.slice(start, start + JOBS_PER_CALL), key)));
    } catch (error) {
      throw accepted.length === 0 ? error : new PartialBatchError(accepted, idempotencyKey, error);
    }
  }
  return accepted;
}
