import type { Row, Table } from './schema.ts';

type Column<T extends Table> = keyof Row<T> & string;

/** A partial index whose rows an engine may keep in memory: its condition once in SQL, and once in TypeScript. */
export interface RowIndex<T extends Table> {
  table: T;
  /** Rows are looked up by this column. */
  column: Column<T>;
  /** In SQL; the same as `includes`. */
  where: string;
  includes(row: Row<T>): boolean;
  /** Never change once a row is there; the last is the primary key. */
  order: readonly Column<T>[];
}

const index = <T extends Table>(index: RowIndex<T>): RowIndex<T> => index;

/** Jobs that may be given out, in their fair order, by queue. */
export const READY_JOBS = index({
  table: 'job',
  column: 'queue_id',
  where: `status = 'pending' AND held_until IS NULL`,
  includes: job => job.status === 'pending' && job.held_until === null,
  order: ['rank', 'id'],
});

/** Jobs that are kept for a miner, by miner. */
export const OFFERED_JOBS = index({
  table: 'job',
  column: 'held_for',
  where: 'held_for IS NOT NULL',
  includes: job => job.held_for !== null,
  order: ['id'],
});

/** Queues in which something waits, by model. */
export const WAITING_QUEUES = index({
  table: 'queue',
  column: 'model',
  where: 'pending > 0',
  includes: queue => queue.pending > 0,
  order: ['id'],
});

/** Clocks by model. */
export const CLOCKS = index({
  table: 'fair_clock',
  column: 'model',
  where: 'id IS NOT NULL',
  includes: () => true,
  order: ['id'],
});

export const INDEXES: readonly RowIndex<Table>[] = [
  READY_JOBS,
  OFFERED_JOBS,
  WAITING_QUEUES,
  CLOCKS,
] as unknown as RowIndex<Table>[];
