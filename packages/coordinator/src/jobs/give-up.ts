import { type MinerTerms, noteSeen } from '../miners/presence.ts';
import { done, type Operation, refused } from '../store/operation.ts';
import { notLeased } from './complete.ts';
import { cancel, giveBack, type JobChange, type JobRow, type LeaseTerms, release } from './job.ts';
import {
  isSeenBy,
  jobNotFound,
  loadJobs,
  loadMiners,
  type MinerActor,
  minerNotFound,
  ownedMiner,
  refusalFor,
} from './lookup.ts';
import { saveJobs } from './saving.ts';

export interface GiveUpInput extends MinerActor {
  jobId: string;
  /** Absent: the miner hands the job back, and the attempt does not count. */
  failure?: { error: string; retryable: boolean };
}

/** A miner gives up a job that it holds. */
export function giveUpJobs(terms: LeaseTerms & MinerTerms): Operation<GiveUpInput, JobRow> {
  return {
    name: 'jobs.give-up',
    order: 12,
    async apply(inputs, context) {
      const miners = await loadMiners(
        context.tx,
        inputs.map(input => input.minerId),
      );
      const jobs = await loadJobs(
        context.tx,
        inputs.map(input => input.jobId),
      );
      const changes: JobChange[] = [];
      const outcomes = inputs.map(input => {
        const miner = ownedMiner(miners, input);
        const job = jobs.get(input.jobId);
        if (!miner) return minerNotFound(input.minerId);
        if (!job) return jobNotFound;
        if (job.status !== 'running' || job.miner_id !== miner.id) return notLeased(job, miner.id);
        const after = gaveUp(job, input.failure, context.now, terms);
        jobs.set(job.id, after);
        changes.push({ before: job, after, ...(input.failure && { minerFailed: blame(input.failure) }) });
        return done(after);
      });
      await noteSeen(
        inputs.flatMap(input => ownedMiner(miners, input) ?? []),
        terms,
        context,
      );
      await saveJobs(changes, context);
      return outcomes;
    },
  };
}

/** What no other try could mend is the job's fault: or a client could ruin miners by jobs that nobody can run. */
const blame = ({ retryable }: NonNullable<GiveUpInput['failure']>) => (retryable ? 'failed' : 'blameless');

function gaveUp(job: JobRow, failure: GiveUpInput['failure'], now: number, terms: LeaseTerms): JobRow {
  if (!failure) return release(job);
  const error = { error_code: 'MINER_FAILED', detail: failure.error } as const;
  return giveBack(job, error, failure.retryable, now, terms.backoffMs);
}

export interface CancelInput {
  jobId: string;
  /** Null for an administrator. */
  accountId: number | null;
}

/** The owner cancels a job; a miner that runs it is told by its heartbeat, and when it posts anything of it. */
export const cancelJobs: Operation<CancelInput, JobRow> = {
  name: 'jobs.cancel',
  order: 14,
  async apply(inputs, context) {
    const jobs = await loadJobs(
      context.tx,
      inputs.map(input => input.jobId),
    );
    const changes: JobChange[] = [];
    const outcomes = inputs.map(({ jobId, accountId }) => {
      const job = jobs.get(jobId);
      if (!job || !isSeenBy(accountId, job)) return jobNotFound;
      if (job.status !== 'pending' && job.status !== 'running') {
        const { code, detail } = refusalFor(job);
        return refused(code, detail);
      }
      const after = cancel(job, context.now);
      jobs.set(jobId, after);
      changes.push({ before: job, after });
      return done(after);
    });
    await saveJobs(changes, context);
    return outcomes;
  },
};
