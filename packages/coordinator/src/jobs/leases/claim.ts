import { LIMITS } from '@aitbc/protocol';
import { abilitiesOf, mismatch, SUSPENDED } from '../../miners/eligibility.ts';
import { type MinerPolicy, noteSeen } from '../../miners/presence.ts';
import { bestFirst, takesJobs } from '../../miners/reputation.ts';
import { OFFERED_JOBS } from '../../store/indexes.ts';
import { done, failed, type Operation, type Outcome, type WriteContext } from '../../store/operation.ts';
import type { Row } from '../../store/schema.ts';
import { endUnreadable, isReadable, partReadable, unreadable } from '../damaged-jobs.ts';
import { createOthers, EXCLUDED_MS, exclusionsOf, isExcluded } from '../exclusions.ts';
import { isReadyFor, type JobChange, type JobRow, offerTo, startAttempt } from '../job.ts';
import { deadlineFor, type LeasePolicy } from '../lease.ts';
import {
  endedError,
  jobNotFound,
  loadJobs,
  loadMiners,
  type MinerActor,
  notActing,
  ownedMiner,
  readableMiner,
} from '../lookup.ts';
import { mostBytes } from '../request-size.ts';
import type { Requirements } from '../requirements.ts';
import { saveJobs } from '../save-jobs.ts';
import { createAssignments } from '../scheduling/assignments.ts';
import { advance, type FairQueue } from '../scheduling/fairness.ts';
import { type PreferencePolicy, readReadyJobs } from '../scheduling/next-job.ts';
import { loadOwnerAllowances, type SlowStartPolicy } from '../scheduling/slow-start.ts';
import type { Stopwatch } from './billed-time.ts';

/** A job with its texts, for the miner that holds it. */
export interface HeldJob {
  job: JobRow;
  input: Row<'job_input'>;
  requirements: Requirements;
}

export interface TakeInput extends MinerActor {
  max: number;
  /** Offer rather than lease: the miner still has to claim it. */
  offer: boolean;
}

export interface ClaimPolicy extends LeasePolicy, PreferencePolicy, MinerPolicy, SlowStartPolicy {
  offerMs: number;
  /** Credits for a second, which `max_price` may limit; 0 where time costs nothing. */
  rateOf(model: string): number;
  /** The most bytes that one request may have. */
  requestBytes: number;
  stopwatch: Stopwatch;
}

/** An answer whose jobs may have so many bytes gets no further one: the miner claims again for more. */
const CLAIM_BYTES = 32 * 2 ** 20;

/** Gives each miner the jobs that it should run next. Empty when there are none, or it has no room. */
export function takeJobs(policy: ClaimPolicy): Operation<TakeInput, HeldJob[]> {
  return {
    name: 'jobs.take',
    async apply(inputs, context) {
      const { tx, now } = context;
      const miners = await loadMiners(
        tx,
        inputs.map(input => input.minerId),
      );
      const acting = inputs.map(input => readableMiner(miners, input));
      const present = acting.filter(miner => miner !== undefined);
      const standings = await noteSeen(present, policy, context);
      const most = inputs.reduce((sum, input) => sum + input.max, 0);
      const [ready, offered] = await Promise.all([
        readReadyJobs(present, most, policy, context),
        loadOffers(present, context),
      ]);

      const allowances = await loadOwnerAllowances(present, policy, context);
      const changes = new Map<string, JobChange>();
      const taken = inputs.map((): JobRow[] => []);
      for (const index of bestFirst(acting, standings, policy.reputation, now)) {
        const miner = acting[index];
        const input = inputs[index];
        const jobs = taken[index];
        if (!miner || !input || !jobs || !takesJobs(miner)) continue;
        const room = Math.min(input.max, roomOf(miner), allowances.left(miner));
        const kept = offered.jobs.get(miner.id) ?? [];
        offered.jobs.set(miner.id, kept);
        let bytes = 0;
        while (jobs.length < room && bytes < CLAIM_BYTES) {
          const before = kept.shift() ?? (await ready.take(miner));
          if (!before) break;
          bytes += mostBytes(before, ready.needsOf(before), policy.requestBytes);
          // Offered again, it is kept no longer: or a miner that asks but never claims would keep it from all others.
          const after = input.offer
            ? offerTo(before, miner.id, before.held_until ?? now + policy.offerMs)
            : startAttempt(before, miner.id, policy.rateOf(before.model), now, policy);
          if (!input.offer) policy.stopwatch.start(after, context.uptime);
          if (!input.offer) miner.running++;
          jobs.push(after);
          changes.set(after.id, { before: changes.get(after.id)?.before ?? before, after });
        }
        if (!input.offer) allowances.take(miner, jobs.length);
        // Asked twice in one batch, it is offered the same job, as it would be in two.
        if (input.offer) kept.unshift(...jobs);
      }
      const changed = [...changes.values()];
      await saveJobs(changed, context);
      await endUnreadable([...ready.damaged, ...offered.damaged], context);
      const started = changed.map(change => change.after).filter(job => job.status === 'running');
      const [texts] = await Promise.all([loadTexts(tx, taken.flat()), ready.started(started)]);
      return inputs.map((input, index) => {
        if (!acting[index]) return notActing(miners, input);
        const jobs = taken[index] ?? [];
        return done(jobs.map(job => held(input.offer ? asOffered(job, policy, now) : job, texts)));
      });
    },
  };
}

const roomOf = (miner: Row<'miner'>) => (miner.concurrency ?? LIMITS.claimMax) - miner.running;

interface Offers {
  /** By miner. */
  jobs: Map<string, JobRow[]>;
  damaged: readonly JobRow[];
}

/** Jobs that are kept for one of these miners, and that it still can run as it is registered now. */
async function loadOffers(miners: readonly Row<'miner'>[], { tx, now }: WriteContext): Promise<Offers> {
  const ids = [...new Set(miners.map(miner => miner.id))];
  const { sound: jobs, damaged } = partReadable(await tx.first(OFFERED_JOBS, ids));
  if (jobs.length === 0) return { jobs: new Map(), damaged };
  const queues = await loadQueues(tx, jobs);
  const abilities = new Map(miners.map(miner => [miner.id, abilitiesOf(miner)]));
  const canRun = (job: JobRow) => {
    const queue = queues.get(job.queue_id);
    const has = abilities.get(job.held_for ?? '');
    return queue !== undefined && has !== undefined && mismatch(queue, has) === null;
  };
  const ready = jobs.filter(
    job => job.status === 'pending' && job.expires_at > now && (job.held_until ?? 0) > now && canRun(job),
  );
  return { jobs: Map.groupBy(ready, job => job.held_for ?? ''), damaged };
}

/** An offer has no lease yet: it shows until when the job is kept, and the deadline that a claim now would have. */
function asOffered(job: JobRow, policy: ClaimPolicy, now: number): JobRow {
  const deadline = deadlineFor(job, policy.rateOf(job.model), now, policy);
  return { ...job, attempts: job.attempts + 1, lease_expires_at: job.held_until, deadline };
}

const REQUIREMENTS = ['id', 'region', 'min_vram_gb', 'min_context'] as const;

interface Texts {
  inputs: ReadonlyMap<string, Row<'job_input'>>;
  queues: ReadonlyMap<number, Requirements>;
}

async function loadTexts(tx: WriteContext['tx'], jobs: readonly JobRow[]): Promise<Texts> {
  const [inputs, queues] = await Promise.all([
    tx.load(
      'job_input',
      'job_id',
      jobs.map(job => job.id),
    ),
    tx.loadFixed('queue', 'id', [...new Set(jobs.map(job => job.queue_id))], REQUIREMENTS),
  ]);
  return {
    inputs: new Map(inputs.map(row => [row.job_id, row])),
    queues: new Map(queues.map(row => [row.id, row])),
  };
}

function held(job: JobRow, { inputs, queues }: Texts): HeldJob {
  const input = inputs.get(job.id);
  const requirements = queues.get(job.queue_id);
  if (!input || !requirements) throw new Error(`Job ${job.id} has no input or no queue`);
  return { job, input, requirements };
}

export interface ClaimInput extends MinerActor {
  jobId: string;
}

/** Leases one job by its id. Claiming what one holds already gives the same lease again. */
export function claimJob(policy: ClaimPolicy): Operation<ClaimInput, HeldJob> {
  return {
    name: 'jobs.claim',
    async apply(inputs, context) {
      const { tx, now } = context;
      const miners = await loadMiners(
        tx,
        inputs.map(input => input.minerId),
      );
      const jobs = await loadJobs(
        tx,
        inputs.map(input => input.jobId),
      );
      const queues = await loadQueues(tx, [...jobs.values()]);
      const assignments = createAssignments(tx);
      await assignments.load([...jobs.values()]);
      await noteSeen(
        inputs.flatMap(input => ownedMiner(miners, input) ?? []),
        policy,
        context,
      );
      const changes: JobChange[] = [];
      const damaged: JobRow[] = [];
      const excluded = await findExcluded(
        inputs.map(input => ({ job: jobs.get(input.jobId), miner: ownedMiner(miners, input) })),
        queues,
        context,
      );
      const acting = inputs.flatMap(input => ownedMiner(miners, input) ?? []);
      const allowances = await loadOwnerAllowances(acting, policy, context);
      const decisions = inputs.map(input => {
        const miner = ownedMiner(miners, input);
        const job = jobs.get(input.jobId);
        if (!miner) return notActing(miners, input);
        if (!job || job.role === 'replicated' || !assignments.isEligible(miner, job)) return jobNotFound;
        if (!isReadable(job)) {
          damaged.push(job);
          return unreadable;
        }
        if (job.status === 'running' && job.miner_id === miner.id) return done(job);
        const error =
          whyNotClaimable(job, queues.get(job.queue_id), miner, now) ?? excluded.get(`${job.id} ${miner.id}`);
        if (error) return error;
        if (allowances.left(miner) <= 0) return ALLOWED_NO_MORE;
        allowances.take(miner, 1);
        const after = startAttempt(job, miner.id, policy.rateOf(job.model), now, policy);
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

/** Answers for those that ask for a job that others could run and that excludes them, by `JOB MINER`. */
async function findExcluded(
  claims: readonly { job: JobRow | undefined; miner: Row<'miner'> | undefined }[],
  queues: ReadonlyMap<number, Row<'queue'>>,
  { tx, now }: WriteContext,
): Promise<Map<string, Outcome<never>>> {
  const others = createOthers(tx, now);
  const excluded = new Map<string, Outcome<never>>();
  for (const { job, miner } of claims) {
    const queue = job && queues.get(job.queue_id);
    if (!queue || !miner || job.owners === null || job.status !== 'pending') continue;
    // What it was offered, it may have.
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
  'The job was given back from here before: it waits for another miner while there are others that could run it',
  { retryAfter: Math.ceil(EXCLUDED_MS / 1000) },
);

async function loadQueues(
  tx: WriteContext['tx'],
  jobs: readonly JobRow[],
): Promise<Map<number, Row<'queue'>>> {
  const rows = await tx.load('queue', 'id', [...new Set(jobs.map(job => job.queue_id))]);
  return new Map(rows.map(row => [row.id, row]));
}

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
  if (roomOf(miner) <= 0) {
    return failed(
      'MINER_CAPACITY_FULL',
      `The miner runs ${miner.running} of the ${miner.concurrency} jobs it registered for`,
    );
  }
  return undefined;
}
