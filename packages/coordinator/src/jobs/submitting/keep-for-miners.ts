import { abilitiesOf, mismatch, parseNames } from '../../miners/eligibility.ts';
import { takesJobs } from '../../miners/reputation.ts';
import { OFFERED_JOBS, READY_JOBS, WAITING_QUEUES } from '../../store/indexes.ts';
import type { WriteContext } from '../../store/operation.ts';
import type { Row } from '../../store/schema.ts';
import { type JobRow, offerTo } from '../job.ts';
import type { FairQueue } from '../scheduling/fairness.ts';

/*
 * A new job is kept for some seconds for a miner that goes first: one that its client prefers, one of the client's own,
 * or one that has the beginning of its prompt in memory. It is an offer like any other: the miner gets the job with its
 * next claim, and when the time is over any miner may have it.
 *
 * Nobody's turn is taken for it. A job is kept only if it would be the next to start anyway: no job that the miner could
 * run instead has an earlier turn. And only if the miner has a free slot, or usually has one again in that time.
 */

/** A new job and the miners that go first, best first. */
export interface Preferring {
  row: JobRow;
  fairQueue: FairQueue;
  preferred: readonly string[];
  /** The miner that has the beginning of the prompt in memory. It is only kept for that while it has a free slot. */
  cachedAt: string | undefined;
}

/** Returns the rows with the offers that are made. Reads nothing if no job prefers a miner. */
export async function keepForMiners(
  jobs: readonly Preferring[],
  keepMs: number,
  { tx, now, emit }: Pick<WriteContext, 'tx' | 'now' | 'emit'>,
): Promise<Map<string, JobRow>> {
  const kept = new Map<string, JobRow>();
  const ids = [...new Set(jobs.flatMap(candidatesOf))];
  if (ids.length === 0) return kept;
  const miners = new Map((await tx.load('miner', 'id', ids)).map(miner => [miner.id, miner]));
  const offers = Map.groupBy(await tx.first(OFFERED_JOBS, ids), job => job.held_for ?? '');
  const taken = new Map(
    [...miners].map(([id, { running }]) => [id, running + (offers.get(id)?.length ?? 0)]),
  );
  const turns = await loadTurns([...miners.values()], tx);
  for (const job of jobs) {
    const { row, fairQueue, preferred } = job;
    const { average_run_ms } = fairQueue.clock;
    const free = candidatesOf(job).find(id => {
      const miner = miners.get(id);
      const busy = taken.get(id) ?? 0;
      return (
        miner &&
        takesJobs(miner) &&
        turns.isNext(row, miner) &&
        waitMs(miner, busy, average_run_ms) <= (preferred.includes(id) ? keepMs : 0)
      );
    });
    if (free === undefined) continue;
    taken.set(free, (taken.get(free) ?? 0) + 1);
    kept.set(row.id, offerTo(row, free, now + keepMs));
    emit({ type: 'job.kept', model: row.model, minerId: free });
  }
  return kept;
}

const candidatesOf = ({ preferred, cachedAt }: Preferring): string[] =>
  cachedAt === undefined || preferred.includes(cachedAt) ? [...preferred] : [...preferred, cachedAt];

/**
 * Estimates when a miner with so many jobs has a free slot, from the average run of the model. Miners that state no
 * concurrency count as having one slot.
 */
function waitMs({ concurrency }: Row<'miner'>, busy: number, averageRunMs: number): number {
  const slots = concurrency ?? 1;
  if (busy < slots) return 0;
  return averageRunMs === 0 ? Infinity : Math.ceil((busy + 1 - slots) / slots) * averageRunMs;
}

/** The turns of the jobs that wait for the models of some miners. */
async function loadTurns(miners: readonly Row<'miner'>[], tx: WriteContext['tx']) {
  const models = new Set(miners.flatMap(({ capabilities }) => [...parseNames(capabilities)]));
  const queues = await tx.first(WAITING_QUEUES, [...models]);
  const queuesById = new Map(queues.map(queue => [queue.id, queue]));
  const heads = await tx.first(
    READY_JOBS,
    queues.map(({ id }) => id),
    1,
  );
  return {
    /**
     * Whether no waiting job that the miner can run has an earlier turn. Turns of different models can't be compared, so a
     * waiting job of another model counts as earlier.
     */
    isNext(row: JobRow, miner: Row<'miner'>): boolean {
      const has = abilitiesOf(miner);
      return heads.every(head => {
        const queue = queuesById.get(head.queue_id);
        if (!queue || mismatch(queue, has) !== null) return true;
        if (head.priority !== row.priority) return head.priority < row.priority;
        return head.model === row.model && row.rank < head.rank;
      });
    },
  };
}
