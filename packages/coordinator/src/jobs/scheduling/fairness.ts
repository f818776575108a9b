import { READY_JOBS } from '../../store/indexes.ts';
import { isPlausible } from '../../store/numbers.ts';
import type { Row } from '../../store/schema.ts';
import type { WriteTransaction } from '../../store/transaction.ts';
import type { JobRow } from '../job.ts';

/*
 * Start-time fair queueing (Goyal, Vin and Cheng, 1996) over clients, with a cost of one for each job. A job's rank is
 * fixed when it is submitted: the virtual time, or the end of its client's last job if that is later. Miners take the
 * lowest rank. So an idle client starts level with the others, and a client with a long backlog gets one turn in each
 * round. Each model and priority has a clock of its own: ranks of different clocks are not comparable, and neither
 * another model's backlog nor urgent jobs move this clock.
 *
 * Within a clock each queue has its own virtual time. Jobs that few miners can run progress more slowly than others: if
 * their new jobs were ranked by the progress elsewhere, they would stand behind the whole backlog of their queue. A
 * queue without a backlog is level with its clock, so that nobody gains by choosing an idle queue.
 */

export type Clock = Row<'fair_clock'>;

/** A queue and the clock that its ranks belong to. */
export interface FairQueue {
  queue: Row<'queue'>;
  clock: Clock;
}

/** A damaged rank counts as 0: no rank could follow one that is out of range. */
const sound = (rank: number) => (isPlausible(rank) ? rank : 0);

export interface Ranker {
  /** Returns the rank of the client's next job in a queue. */
  next(fairQueue: FairQueue, accountId: number): number;
  save(): Promise<void>;
}

/** Creates a ranker for queues that the transaction has loaded. */
export async function createRanker(
  tx: WriteTransaction,
  fairQueues: readonly FairQueue[],
  accountIds: readonly number[],
): Promise<Ranker> {
  const clocks = new Map(fairQueues.map(({ clock }) => [clock.id, clock]));
  for (const { queue, clock } of fairQueues) {
    queue.virtual_time = sound(queue.virtual_time);
    clock.virtual_time = sound(clock.virtual_time);
    if (queue.virtual_time >= clock.virtual_time || (await firstRank(queue, tx)) !== undefined) continue;
    queue.virtual_time = clock.virtual_time;
  }
  const keys = [...clocks.keys()].flatMap(id => accountIds.map(accountId => `${id}/${accountId}`));
  const shares = new Map((await tx.load('fair_share', 'id', keys)).map(share => [share.id, share]));
  const moved = new Set<Row<'fair_share'>>();
  return {
    next({ queue, clock }, accountId) {
      const id = `${clock.id}/${accountId}`;
      const share = shares.get(id) ?? { id, clock_id: clock.id, account_id: accountId, next_rank: 0 };
      const rank = Math.max(sound(queue.virtual_time), sound(share.next_rank));
      share.next_rank = rank + 1;
      clock.tail_rank = Math.max(sound(clock.tail_rank), share.next_rank);
      shares.set(id, share);
      moved.add(share);
      return rank;
    },
    async save() {
      await tx.upsert('fair_share', [...moved]);
      await tx.update(
        'fair_clock',
        [...clocks.values()].map(({ id, tail_rank }) => ({ id, tail_rank })),
      );
      await tx.update('queue', fairQueues.map(virtualTimeOf));
    },
  };
}

/**
 * Advances virtual time to the ranks of jobs that started. A job that was claimed out of turn, by its id, advances it
 * only to the job whose turn it is. Otherwise a client that claims the last job of its own backlog would put all new
 * jobs behind that backlog.
 */
export async function advance(
  jobs: readonly JobRow[],
  fairQueues: ReadonlyMap<number, FairQueue>,
  tx: WriteTransaction,
): Promise<void> {
  const moved = new Set<FairQueue>();
  const byQueue = Map.groupBy(jobs, job => job.queue_id);
  const advances = [...byQueue].map(async ([queueId, started]) => {
    const fairQueue = fairQueues.get(queueId);
    if (!fairQueue) return;
    const latest = Math.max(...started.map(job => job.rank));
    const turn = Math.min(latest, (await firstRank(fairQueue.queue, tx)) ?? latest);
    fairQueue.queue.virtual_time = Math.max(sound(fairQueue.queue.virtual_time), turn);
    fairQueue.clock.virtual_time = Math.max(
      sound(fairQueue.clock.virtual_time),
      fairQueue.queue.virtual_time,
    );
    moved.add(fairQueue);
  });
  await Promise.all(advances);
  const clocks = new Set([...moved].map(({ clock }) => clock));
  await tx.update('queue', [...moved].map(virtualTimeOf));
  await tx.update(
    'fair_clock',
    [...clocks].map(({ id, virtual_time, dispatched_at }) => ({ id, virtual_time, dispatched_at })),
  );
}

const virtualTimeOf = ({ queue: { id, virtual_time } }: FairQueue) => ({ id, virtual_time });

/** Returns the lowest rank of the ready jobs in a queue. */
async function firstRank({ id }: Row<'queue'>, tx: WriteTransaction): Promise<number | undefined> {
  const [first] = await tx.first(READY_JOBS, [id], 1);
  return first?.rank;
}

/**
 * Estimates how many jobs run before the job of this rank, from the clock's counters: its share of the pending ranks,
 * applied to the pending jobs. The estimate is exact for one client and close for many.
 */
export function jobsAhead(clock: Clock, rank: number): number {
  const ranks = Math.max(clock.tail_rank - clock.virtual_time, 1);
  const share = Math.min(Math.max(rank - clock.virtual_time, 0) / ranks, 1);
  return Math.min(Math.floor(share * clock.pending), Math.max(clock.pending - 1, 0));
}
