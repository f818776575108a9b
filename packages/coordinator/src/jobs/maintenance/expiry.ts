import { putSilentOffline } from '../../miners/offline.ts';
import type { MinerPolicy } from '../../miners/presence.ts';
import { MAX_TIME_MS } from '../../store/numbers.ts';
import { done, type Operation, type WriteContext } from '../../store/operation.ts';
import { endUnreadable, isReadable } from '../damaged-jobs.ts';
import { EXCLUDED_MS, exclude, operatorKey } from '../exclusions.ts';
import { clearHold, endAttempt, type JobChange, type JobRow, markExpired } from '../job.ts';
import type { LeasePolicy } from '../lease.ts';
import { boundBlame } from '../leases/attempt-blame.ts';
import { loadMiners } from '../lookup.ts';
import { saveJobs } from '../save-jobs.ts';
import { toNextModels } from '../scheduling/fallbacks.ts';
import { toRetryQueues } from '../scheduling/job-queues.ts';
import type { TimeKeeper } from './elapsed-time.ts';

export interface ExpiryPolicy extends LeasePolicy, MinerPolicy {
  minerTimeoutMs: number;
  keeper: TimeKeeper;
}

/** The number of rows of each kind that one sweep handles. It is limited so that other writes need not wait long. */
const AT_ONCE = 500;

/**
 * Ends what is out of time: leases, times to live, offers, pauses and silent miners. Returns whether another sweep
 * should follow at once.
 */
export function sweepJobs(policy: ExpiryPolicy): Operation<undefined, { more: boolean }> {
  return {
    name: 'jobs.sweep',
    async apply(inputs, context) {
      // No lease expires before all running jobs have been given their grace.
      const { isGranted } = await policy.keeper(context);
      const found: JobChange[] = [
        ...(isGranted ? await leasesRunOut(policy, context) : []),
        ...(await timesToLiveOver(context)),
        ...(await holdsOver(context)),
      ];
      const changes = found.filter(({ before }) => isReadable(before));
      await saveJobs(await toNextModels(await toRetryQueues(changes, context), context), context);
      const damaged = found.map(({ before }) => before).filter(job => !isReadable(job));
      await endUnreadable([...damaged, ...(await timesBeyondReach(context))], context);
      const silent = isGranted
        ? await putSilentOffline({ silentMs: policy.minerTimeoutMs, limit: AT_ONCE }, context)
        : 0;
      await forget(context);
      const more = !isGranted || found.length >= AT_ONCE || silent >= AT_ONCE;
      return inputs.map(() => done({ more }));
    },
  };
}

async function leasesRunOut(policy: ExpiryPolicy, context: WriteContext): Promise<readonly JobChange[]> {
  const { tx, now, emit } = context;
  const sql = `SELECT * FROM job WHERE status = 'running' AND lease_expires_at <= ? ORDER BY lease_expires_at LIMIT ${AT_ONCE}`;
  const jobs = await tx.query<JobRow>(['job'], sql, [now]);
  const miners = await loadMiners(
    tx,
    jobs.flatMap(job => job.miner_id ?? []),
  );
  const changes = jobs.map((before): JobChange => {
    const miner = miners.get(before.miner_id ?? '');
    const late = before.deadline !== null && before.deadline <= now;
    const what = late ? 'did not finish the job in time' : 'was not heard of in time';
    const { id: jobId, miner_id: minerId, model } = before;
    emit({ type: 'lease.expired', jobId, minerId, model, reason: late ? 'deadline' : 'silent' });
    const error = { error_code: 'LEASE_EXPIRED', detail: `Miner ${before.miner_id} ${what}` } as const;
    const lost = endAttempt(before, error, now, 0);
    const blameless = before.away_ms > 0 || (late && !isOwnDeadline(before, policy));
    const exclusion = { until: now + EXCLUDED_MS, ...(!blameless && { blamed: true as const }) };
    const after = miner ? exclude(lost, operatorKey(miner), exclusion, now) : lost;
    return { before, after, minerFailed: blameless ? 'blameless' : 'timed-out' };
  });
  return await boundBlame(changes, miners, policy.reputation, context);
}

/** Whether the attempt had the full time limit. A price limit shortens it, and an absence moves its end. */
const isOwnDeadline = ({ started_at, deadline }: JobRow, { timeoutMs }: ExpiryPolicy) =>
  deadline === (started_at ?? 0) + Math.floor(timeoutMs);

async function timesToLiveOver({ tx, now }: WriteContext): Promise<JobChange[]> {
  const sql = `SELECT * FROM job WHERE status = 'pending' AND expires_at <= ? ORDER BY expires_at LIMIT ${AT_ONCE}`;
  const jobs = await tx.query<JobRow>(['job'], sql, [now]);
  return jobs.map(before => ({ before, after: markExpired(before, now) }));
}

async function holdsOver({ tx, now }: WriteContext): Promise<JobChange[]> {
  const sql = `SELECT * FROM job WHERE held_until IS NOT NULL AND held_until <= ? AND expires_at > ? ORDER BY held_until LIMIT ${AT_ONCE}`;
  const jobs = await tx.query<JobRow>(['job'], sql, [now, now]);
  return jobs.map(before => ({ before, after: clearHold(before) }));
}

/**
 * Returns jobs whose stored times are impossibly late because they are damaged. Each query reads only the end of an
 * index.
 */
async function timesBeyondReach({ tx }: WriteContext): Promise<JobRow[]> {
  const queries = [
    `SELECT * FROM job WHERE status = 'running' AND lease_expires_at > ? LIMIT ${AT_ONCE}`,
    `SELECT * FROM job WHERE status = 'pending' AND expires_at > ? LIMIT ${AT_ONCE}`,
    `SELECT * FROM job WHERE held_until IS NOT NULL AND held_until > ? LIMIT ${AT_ONCE}`,
  ];
  const jobs: JobRow[] = [];
  for (const sql of queries) jobs.push(...(await tx.query<JobRow>(['job'], sql, [MAX_TIME_MS])));
  return jobs;
}

/** Deletes expired idempotency keys, and fair shares that do not exceed the virtual time of any queue. */
async function forget({ tx, now }: WriteContext): Promise<void> {
  await tx.execute(
    'idempotency',
    `DELETE FROM idempotency WHERE id IN
      (SELECT id FROM idempotency WHERE expires_at <= ? LIMIT ${AT_ONCE})`,
    [now],
  );
  await tx.execute(
    'fair_share',
    `DELETE FROM fair_share WHERE id IN
      (SELECT s.id FROM (
         SELECT c.id, coalesce((SELECT min(q.virtual_time) FROM queue q
           WHERE q.model = c.model AND q.priority = c.priority AND q.pending > 0), c.virtual_time) AS earliest
         FROM fair_clock c) c CROSS JOIN fair_share s WHERE s.clock_id = c.id AND s.next_rank <= c.earliest
       LIMIT ${AT_ONCE})`,
    [],
    ['queue', 'fair_clock'],
  );
}
