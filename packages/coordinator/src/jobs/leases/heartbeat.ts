import type { JobStatus } from '@aitbc/protocol';
import { type MinerPolicy, noteLoaded, noteSeen } from '../../miners/presence.ts';
import { done, type Operation, type WriteContext } from '../../store/operation.ts';
import type { Row } from '../../store/schema.ts';
import { EXCLUDED_MS, exclude, operatorKey } from '../exclusions.ts';
import { extendLease, type JobRow, releaseAttempt } from '../job.ts';
import type { LeasePolicy } from '../lease.ts';
import { loadJobs, loadMinersOf, type MinerActor, notActing, ownedMiner, readableMiner } from '../lookup.ts';
import { saveJobs, saveLeases } from '../save-jobs.ts';
import { toRetryQueues } from '../scheduling/job-queues.ts';

export interface HeartbeatInput extends MinerActor {
  /** The jobs that the miner believes it holds. */
  believes: readonly string[];
  /** The models that the engine has in memory, if known. */
  loaded?: readonly string[] | undefined;
}

export interface HeartbeatOutcome {
  miner: Row<'miner'>;
  holds: JobRow[];
  stop: { jobId: string; status: JobStatus | null }[];
}

/** Extends the leases of all jobs that a miner holds, and returns the jobs that it must stop. */
export function beatMiners(policy: LeasePolicy & MinerPolicy): Operation<HeartbeatInput, HeartbeatOutcome> {
  return {
    name: 'jobs.heartbeat',
    async apply(inputs, context) {
      const miners = await loadMinersOf(inputs, context.tx);
      const acting = inputs.map(input => readableMiner(miners, input));
      await noteSeen(
        acting.flatMap(miner => miner ?? []),
        policy,
        context,
      );
      await noteLoaded(
        inputs.flatMap(({ loaded: models }, index) => {
          const miner = acting[index];
          return miner && models ? [{ miner, models }] : [];
        }),
        context,
      );
      const held = await loadHeld(
        acting.flatMap(miner => miner?.id ?? []),
        context,
      );
      const extended = new Map(
        [...held].map(([id, jobs]) => [id, jobs.map(job => extendLease(job, context.now, policy))]),
      );
      await saveLeases([...extended.values()].flat(), context);
      const believed = await loadJobs(
        context.tx,
        inputs.flatMap(input => input.believes),
      );
      return inputs.map((input, index) => {
        const miner = acting[index];
        if (!miner) return notActing(miners, input);
        const holds = extended.get(miner.id) ?? [];
        const holding = new Set(holds.map(job => job.id));
        const stop = input.believes
          .filter(id => !holding.has(id))
          .map(id => ({ jobId: id, status: seenBy(miner, believed.get(id)) }));
        return done({ miner, holds, stop });
      });
    },
  };
}

/** Returns the status of a job that the miner names, or null if the job was never this miner's. */
function seenBy(miner: Row<'miner'>, job: JobRow | undefined): JobStatus | null {
  return job?.miner_id === miner.id ? job.status : null;
}

async function loadHeld(minerIds: readonly string[], { tx }: WriteContext): Promise<Map<string, JobRow[]>> {
  const jobs = await tx.load('job', 'miner_id', [...new Set(minerIds)], `status = 'running'`);
  return Map.groupBy(jobs, job => job.miner_id ?? '');
}

/** Returns all jobs of a miner to the queue, for example before it is removed. */
export const releaseAll: Operation<MinerActor, number> = {
  name: 'jobs.release-all',
  async apply(inputs, context) {
    const miners = await loadMinersOf(inputs, context.tx);
    const acting = inputs.map(input => ownedMiner(miners, input));
    const held = await loadHeld(
      acting.flatMap(miner => miner?.id ?? []),
      context,
    );
    const until = context.now + EXCLUDED_MS;
    const changes = [...held].flatMap(([minerId, jobs]) =>
      jobs.map(before => {
        const miner = miners.get(minerId);
        const after = releaseAttempt(before);
        return { before, after: miner ? exclude(after, operatorKey(miner), { until }, context.now) : after };
      }),
    );
    await saveJobs(await toRetryQueues(changes, context), context);
    return inputs.map((input, index) => {
      const miner = acting[index];
      return miner ? done(held.get(miner.id)?.length ?? 0) : notActing(miners, input);
    });
  },
};
