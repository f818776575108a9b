import type { Job, LIMITS, SubmitJob } from '@aitbc/protocol';
import { PartialBatchError } from '../errors.ts';

/** Only the type is imported, because the value would bring in all schemas. */
const JOBS_PER_CALL: (typeof LIMITS)['batchJobs'] = 1_000;

/**
 * Submits any number of jobs in several calls, one after the other. The idempotency key of each call is
 * derived from the given one, so that a repeated batch continues where it stopped.
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
