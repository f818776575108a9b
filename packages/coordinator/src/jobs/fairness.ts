import type { Row } from '../store/schema.ts';
import type { Transaction } from '../store/transaction.ts';

/*
 * Start-time fair queueing (Goyal, Vin and Cheng, 1996) over clients, with a cost of one for each job. A job's rank
 * is fixed when it is submitted: the virtual time, or where its client's last job ends if that is later. Miners
 * take the lowest rank. A client that was idle so starts level with the others, and one with a long backlog gets
 * one turn in each round. There is one clock for each model and priority: ranks of different clocks say nothing
 * about each other, and neither another model's backlog nor a jump by urgent jobs moves this one.
 */

export type Clock = Row<'fair_clock'>;

export interface Ranker {
  clocks: ReadonlyMap<number, Clock>;
  /** The rank of the client's next job on the clock. */
  next(clock: Clock, accountId: number): number;
  save(): Promise<void>;
}

/** Hands out ranks on clocks that the transaction has loaded. */
export async function createRanker(
  tx: Transaction,
  clocks: ReadonlyMap<number, Clock>,
  accountIds: readonly number[],
): Promise<Ranker> {
  const shares = new Map<string, Row<'fair_share'>>();
  for (const { id } of clocks.values()) {
    for (const accountId of accountIds) {
      const [share] = await tx.query<Row<'fair_share'>>(
        'SELECT * FROM fair_share WHERE clock_id = ? AND account_id = ?',
        [id, accountId],
      );
      if (share) shares.set(`${id}/${accountId}`, share);
    }
  }
  const moved = new Set<Row<'fair_share'>>();
  return {
    clocks,
    next(clock, accountId) {
      const key = `${clock.id}/${accountId}`;
      const share = shares.get(key) ?? { clock_id: clock.id, account_id: accountId, next_rank: 0 };
      const rank = Math.max(clock.virtual_time, share.next_rank);
      share.next_rank = rank + 1;
      clock.tail_rank = Math.max(clock.tail_rank, share.next_rank);
      shares.set(key, share);
      moved.add(share);
      return rank;
    },
    async save() {
      await tx.upsert('fair_share', ['clock_id', 'account_id'], [...moved]);
      await tx.update('fair_clock', 'id', ['tail_rank'], [...clocks.values()]);
    },
  };
}

/**
 * Jobs that run before the one of this rank, estimated from the clock's counters: its share of the ranks that are
 * still to come, of the jobs that are pending. Exact for one client, near for many.
 */
export function jobsAhead(clock: Clock, rank: number): number {
  const ranks = Math.max(clock.tail_rank - clock.virtual_time, 1);
  const share = Math.min(Math.max(rank - clock.virtual_time, 0) / ranks, 1);
  return Math.min(Math.floor(share * clock.pending), Math.max(clock.pending - 1, 0));
}
