import { type MinerPolicy, noteSeen } from '../../miners/presence.ts';
import { done, type Operation, type Outcome } from '../../store/operation.ts';
import type { Row } from '../../store/schema.ts';
import type { WriteTransaction } from '../../store/transaction.ts';
import {
  createOthers,
  EXCLUDED_MS,
  type Exclusions,
  exclude,
  exclusionsOf,
  operatorKey,
} from '../exclusions.ts';
import { endAttempt, type JobChange, type JobRow, releaseAttempt } from '../job.ts';
import type { LeasePolicy } from '../lease.ts';
import { isHeldBy, loadNamed, type MinerActor, notLeased } from '../lookup.ts';
import { saveJobs } from '../save-jobs.ts';
import { ownersOf } from '../scheduling/assignments.ts';
import { toNextModels } from '../scheduling/fallbacks.ts';
import { toRetryQueues } from '../scheduling/job-queues.ts';
import { isTrusted } from '../scheduling/slow-start.ts';
import { boundBlame } from './attempt-blame.ts';
import { type AfterFailure, afterFailure, type Failure } from './failure-classes.ts';

export interface GiveUpInput extends MinerActor {
  jobId: string;
  /** Absent if the miner returns the job, which does not count as an attempt. */
  failure?: Failure;
  /** Whether the claim's caller had disconnected, which says nothing about the miner. */
  unseen?: true;
}

/** Fails or returns a job that the miner holds. */
export function giveUpJobs(policy: LeasePolicy & MinerPolicy): Operation<GiveUpInput, JobRow> {
  return {
    name: 'jobs.give-up',
    async apply(inputs, context) {
      const { tx, now } = context;
      const named = await loadNamed(inputs, tx);
      const { jobs, miners } = named;
      const failing = inputs.some(({ failure }) => failure);
      const places = failing ? await loadPlaces([...jobs.values()], tx) : undefined;
      const failureContext = { others: createOthers(tx, now), now, backoffMs: policy.backoffMs };

      async function gaveUp(job: JobRow, miner: Row<'miner'>, input: GiveUpInput): Promise<AfterFailure> {
        const { failure, unseen } = input;
        if (failure && places)
          return await afterFailure(
            { job, miner, trusted: await isTrusted(miner.owner_id, tx), ...places(job) },
            failure,
            failureContext,
          );
        if (unseen) return { after: releaseAttempt(job) };
        const releases = (exclusionsOf(job)[operatorKey(miner)]?.releases ?? 0) + 1;
        const countsAsAttempt = releases > FREE_RELEASES;
        const after = countsAsAttempt
          ? endAttempt(job, HANDED_BACK, now, policy.backoffMs)
          : releaseAttempt(job);
        return { after: exclude(after, operatorKey(miner), { until: now + EXCLUDED_MS, releases }, now) };
      }

      const changes: JobChange[] = [];
      const outcomes: Outcome<JobRow>[] = [];
      for (const input of inputs) {
        const found = named.find(input);
        if (!found.ok) {
          outcomes.push(found);
          continue;
        }
        const { job, miner } = found.value;
        if (!isHeldBy(job, miner)) {
          outcomes.push(notLeased(job, miner.id));
          continue;
        }
        const change = { before: job, ...(await gaveUp(job, miner, input)) };
        jobs.set(job.id, change.after);
        changes.push(change);
        outcomes.push(done(change.after));
      }
      await noteSeen(named.acting, policy, context);
      const bounded = await boundBlame(changes, miners, policy.reputation, context);
      const settled = await toNextModels(await toRetryQueues(bounded, context), context);
      await saveJobs(settled, context);
      const ended = new Map(settled.map(({ after }) => [after.id, after]));
      return outcomes.map(outcome =>
        outcome.ok ? done(ended.get(outcome.value.id) ?? outcome.value) : outcome,
      );
    },
  };
}

/** How often an operator may return a job before that counts as an attempt. */
const FREE_RELEASES = 10;

const HANDED_BACK = {
  error_code: 'MINER_FAILED',
  detail: 'Miners have returned the job too often',
} as const;

/** Returns a function that finds the queue of a job, and the operators with other runs of the same job. */
async function loadPlaces(jobs: readonly JobRow[], tx: WriteTransaction) {
  const [queues, parents] = await Promise.all([
    tx.load('queue', 'id', [...new Set(jobs.map(job => job.queue_id))]),
    tx.load('job', 'id', [...new Set(jobs.flatMap(job => job.run_of ?? []))]),
  ]);
  const queuesById = new Map(queues.map(queue => [queue.id, queue]));
  const parentsById = new Map(parents.map(job => [job.id, job]));
  return (job: JobRow) => {
    const queue = queuesById.get(job.queue_id);
    if (!queue) throw new Error(`The queue of job ${job.id} is missing`);
    const parent = parentsById.get(job.run_of ?? '');
    const operators = Object.keys((parent && ownersOf(parent)) ?? {});
    const assigned: Exclusions = Object.fromEntries(
      operators.map(operator => [`operator/${operator}`, { until: Infinity }]),
    );
    return { queue, assigned };
  };
}
