import { abilitiesOf, mismatch } from '../../miners/eligibility.ts';
import { type MinerPolicy, noteSeen } from '../../miners/presence.ts';
import { bestFirst, takesJobs } from '../../miners/reputation.ts';
import { OFFERED_JOBS } from '../../store/indexes.ts';
import { done, type Operation, type WriteContext } from '../../store/operation.ts';
import type { Row } from '../../store/schema.ts';
import { endUnreadable, partReadable } from '../damaged-jobs.ts';
import { type JobChange, type JobRow, offerTo, startAttempt } from '../job.ts';
import { deadlineFor, type LeasePolicy } from '../lease.ts';
import { loadMinersOf, type MinerActor, notActing, readableMiner } from '../lookup.ts';
import { mostBytes } from '../request-size.ts';
import { saveJobs } from '../save-jobs.ts';
import { type PreferencePolicy, readReadyJobs } from '../scheduling/next-job.ts';
import { prefixesOf } from '../scheduling/prefixes.ts';
import { loadOwnerAllowances, type SlowStartPolicy } from '../scheduling/slow-start.ts';
import type { Stopwatch } from './billed-time.ts';
import { claimantOf, freeLeases, type HeldJob, held, loadQueues, loadTexts, type Texts } from './held-job.ts';

export interface TakeInput extends MinerActor {
  max: number;
  /** Whether to offer the jobs instead of leasing them. The miner must still claim an offered job. */
  offer: boolean;
}

export interface ClaimPolicy extends LeasePolicy, PreferencePolicy, MinerPolicy, SlowStartPolicy {
  offerMs: number;
  /** Returns the credits per second that `max_price` may limit, or 0 if time costs nothing. */
  rateOf(model: string): number;
  /** The size limit of requests, in bytes. */
  requestBytes: number;
  stopwatch: Stopwatch;
  /** Whether it is remembered which miner has read which beginnings of prompts. */
  notesPrefixes: boolean;
}

/** An answer of this size gets no further job: the miner claims again for more. */
const CLAIM_BYTES = 32 * 2 ** 20;

/** Gives each miner the jobs that it should run next. The list is empty if there are none or the miner is full. */
export function takeJobs(policy: ClaimPolicy): Operation<TakeInput, HeldJob[]> {
  return {
    name: 'jobs.take',
    async apply(inputs, context) {
      const { tx, now } = context;
      const miners = await loadMinersOf(inputs, tx);
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
        const most = Math.min(input.max, freeLeases(miner), allowances.left(miner));
        const kept = offered.jobs.get(miner.id) ?? [];
        offered.jobs.set(miner.id, kept);
        let bytes = 0;
        while (jobs.length < most && bytes < CLAIM_BYTES) {
          const before = kept.shift() ?? (await ready.take(miner));
          if (!before) break;
          bytes += mostBytes(before, ready.needsOf(before), policy.requestBytes);
          // An offer is not extended when it is repeated. Otherwise a miner that asks and never claims could keep the
          // job from all others.
          const after = input.offer
            ? offerTo(before, miner.id, before.held_until ?? now + policy.offerMs)
            : startAttempt(before, claimantOf(miner, before), policy.rateOf(before.model), now, policy);
          if (!input.offer) policy.stopwatch.start(after, context.uptime);
          if (!input.offer) miner.running++;
          jobs.push(after);
          changes.set(after.id, { before: changes.get(after.id)?.before ?? before, after });
        }
        if (!input.offer) allowances.take(miner, jobs.length);
        // A miner that asks twice in one batch is offered the same job twice, as it would be in two batches.
        if (input.offer) kept.unshift(...jobs);
      }
      const changed = [...changes.values()];
      await saveJobs(changed, context);
      await endUnreadable([...ready.damaged, ...offered.damaged], context);
      const started = changed.map(change => change.after).filter(job => job.status === 'running');
      const [texts] = await Promise.all([loadTexts(tx, taken.flat()), ready.started(started)]);
      if (policy.notesPrefixes) notePrefixes(started, texts, context);
      return inputs.map((input, index) => {
        if (!acting[index]) return notActing(miners, input);
        const jobs = taken[index] ?? [];
        return done(jobs.map(job => held(input.offer ? asOffered(job, policy, now) : job, texts)));
      });
    },
  };
}

/** Tells all coordinators which beginnings of prompts the miners of these jobs read now. */
function notePrefixes(started: readonly JobRow[], { inputs }: Texts, { emit }: WriteContext): void {
  for (const { id, account_id: accountId, model, miner_id: minerId } of started) {
    const input = inputs.get(id);
    if (!input || minerId === null) continue;
    const hashes = prefixesOf({ kind: input.kind, text: input.prompt, accountId, model });
    if (hashes.length > 0) emit({ type: 'prefix.read', minerId, hashes });
  }
}

interface Offers {
  /** By miner id. */
  jobs: Map<string, JobRow[]>;
  damaged: readonly JobRow[];
}

/** Loads the jobs that are offered to these miners and that they can still run. */
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

/** An offer has no lease. It shows how long the job is kept, and the deadline that a claim now would have. */
function asOffered(job: JobRow, policy: ClaimPolicy, now: number): JobRow {
  const deadline = deadlineFor(job, policy.rateOf(job.model), now, policy);
  return { ...job, attempts: job.attempts + 1, lease_expires_at: job.held_until, deadline };
}
