import { abilitiesOf, mismatch, SUSPENDED } from '../../miners/eligibility.ts';
import { noteSeen } from '../../miners/presence.ts';
import { done, failed, type Operation, type Outcome, type WriteContext } from '../../store/operation.ts';
import type { Row } from '../../store/schema.ts';
import { endUnreadable, isReadable, unreadable } from '../damaged-jobs.ts';
import { createOthers, EXCLUDED_MS, exclusionsOf, isExcluded } from '../exclusions.ts';
import { isReadyFor, type JobChange, type JobRow, startAttempt } from '../job.ts';
import { endedError, isHeldBy, jobNotFound, loadNamed, type MinerActor } from '../lookup.ts';
import { saveJobs } from '../save-jobs.ts';
import { createAssignments } from '../scheduling/assignments.ts';
import { advance, type FairQueue } from '../scheduling/fairness.ts';
import { loadOwnerAllowances } from '../scheduling/slow-start.ts';
import type { ClaimPolicy } from './claim.ts';
import { claimantOf, freeLeases, type HeldJob, held, loadQueues, loadTexts } from './held-job.ts';

export interface ClaimInput extends MinerActor {
  jobId: string;
}

/** Leases a job by its id. Claiming a job that the miner already holds returns the same lease. */
export function claimJob(policy: ClaimPolicy): Operation<ClaimInput, HeldJob> {
  return {
    name: 'jobs.claim',
    async apply(inputs, context) {
      const { tx, now } = context;
      const named = await loadNamed(inputs, tx);
      const { jobs, acting } = named;
      const queues = await loadQueues(tx, [...jobs.values()]);
      const assignments = createAssignments(tx);
      await assignments.load([...jobs.values()]);
      await noteSeen(acting, policy, context);
      const changes: JobChange[] = [];
      const damaged: JobRow[] = [];
      const excluded = await findExcluded(
        inputs.map(named.find).flatMap(found => (found.ok ? found.value : [])),
        queues,
        context,
      );
      const allowances = await loadOwnerAllowances(acting, policy, context);
      const decisions = inputs.map(input => {
        const found = named.find(input);
        if (!found.ok) return found;
        const { job, miner } = found.value;
        if (job.role === 'replicated' || !assignments.isEligible(miner, job)) return jobNotFound;
        if (!isReadable(job)) {
          damaged.push(job);
          return unreadable;
        }
        if (isHeldBy(job, miner)) return done(job);
        const error =
          whyNotClaimable(job, queues.get(job.queue_id), miner, now) ?? excluded.get(`${job.id} ${miner.id}`);
        if (error) return error;
        if (allowances.left(miner) <= 0) return ALLOWED_NO_MORE;
        allowances.take(miner, 1);
        const after = startAttempt(job, claimantOf(miner, job), policy.rateOf(job.model), now, policy);
        policy.stopwatch.start(after, context.uptime);
        assignments.assign(miner, job);
        changes.push({ before: job, after });
        jobs.set(job.id, after);
        miner.running++;
        return done(after);
      });
      await saveJobs(changes, context);
      await endUnreadable([...damaged, ...assignments.damaged], context);
      await assignments.save();
      const started = changes.map(change => change.after);
      await advance(started, await loadFairQueues(started, queues, tx), tx);
      const texts = await loadTexts(
        tx,
        decisions.flatMap(decision => (decision.ok ? [decision.value] : [])),
      );
      return decisions.map(decision => (decision.ok ? done(held(decision.value, texts)) : decision));
    },
  };
}

/** Returns errors for claims of jobs that exclude the miner and that others could run, by `JOB MINER`. */
async function findExcluded(
  claims: readonly { job: JobRow; miner: Row<'miner'> }[],
  queues: ReadonlyMap<number, Row<'queue'>>,
  { tx, now }: WriteContext,
): Promise<Map<string, Outcome<never>>> {
  const others = createOthers(tx, now);
  const excluded = new Map<string, Outcome<never>>();
  for (const { job, miner } of claims) {
    const queue = queues.get(job.queue_id);
    if (!queue || job.owners === null || job.status !== 'pending') continue;
    // A miner may claim a job that was offered to it.
    if (job.held_for === miner.id) continue;
    const exclusions = exclusionsOf(job);
    if (!isExcluded(exclusions, miner, now) || !(await others.exist(queue, exclusions))) continue;
    excluded.set(`${job.id} ${miner.id}`, EXCLUDED);
  }
  return excluded;
}

const ALLOWED_NO_MORE = failed(
  'MINER_CAPACITY_FULL',
  'The miners of this owner hold as many jobs as they may for now: each that they complete earns one more',
);

const EXCLUDED = failed(
  'JOB_INVALID_STATUS',
  'This miner or its operator returned or failed the job before. It waits for another miner as long as one could run it',
  { retryAfter: Math.ceil(EXCLUDED_MS / 1000) },
);

async function loadFairQueues(
  jobs: readonly JobRow[],
  queues: ReadonlyMap<number, Row<'queue'>>,
  tx: WriteContext['tx'],
): Promise<Map<number, FairQueue>> {
  const used = new Map(jobs.map(job => [job.queue_id, queues.get(job.queue_id)]));
  const clockIds = new Set([...used.values()].flatMap(queue => queue?.clock_id ?? []));
  const clocks = new Map((await tx.load('fair_clock', 'id', [...clockIds])).map(clock => [clock.id, clock]));
  const fairQueues = [...used].flatMap(([id, queue]): [number, FairQueue][] => {
    const clock = queue && clocks.get(queue.clock_id);
    return clock ? [[id, { queue, clock }]] : [];
  });
  return new Map(fairQueues);
}

function whyNotClaimable(
  job: JobRow,
  queue: Row<'queue'> | undefined,
  miner: Row<'miner'>,
  now: number,
): Outcome<never> | undefined {
  if (job.status !== 'pending') {
    const { code, detail } = endedError(job);
    return failed(code, detail);
  }
  if (job.expires_at <= now) return failed('JOB_EXPIRED', 'The job has expired');
  if (!isReadyFor(job, miner.id, now)) {
    const retryAfter = Math.max(1, Math.ceil(((job.held_until ?? now) - now) / 1000));
    if (job.held_for)
      return failed('JOB_ALREADY_CLAIMED', 'The job is offered to another miner', { retryAfter });
    return failed('JOB_INVALID_STATUS', 'The job pauses after a failed attempt', { retryAfter });
  }
  if (miner.suspended_at !== null) return failed('MINER_SUSPENDED', SUSPENDED);
  const reason = queue && mismatch(queue, abilitiesOf(miner));
  if (reason) return failed('JOB_INVALID_STATUS', `This miner can't run the job. ${reason}`);
  if (miner.status === 'draining')
    return failed('MINER_CAPACITY_FULL', 'The miner is draining: it takes no new jobs');
  if (freeLeases(miner) <= 0) {
    return failed(
      'MINER_CAPACITY_FULL',
      `The miner runs ${miner.running} of the ${miner.concurrency} jobs it registered for`,
    );
  }
  return undefined;
}
