import type { Row, Table } from './schema.ts';

type Column<T extends Table> = keyof Row<T> & string;

/** A partial index whose rows an engine may keep in memory. It has its condition in SQL and in TypeScript. */
export interface RowIndex<T extends Table> {
  table: T;
  /** The column by which rows are looked up. */
  column: Column<T>;
  /** The condition in SQL. It must hold for the same rows as `includes`. */
  where: string;
  includes(row: Row<T>): boolean;
  /** Columns that sort the rows. Their values never change while a row is included, and the last one is the primary key. */
  order: readonly Column<T>[];
}

const index = <T extends Table>(index: RowIndex<T>): RowIndex<T> => index;

/** Jobs that miners may claim, by queue, in fair order. */
export const READY_JOBS = index({
  table: 'job',
  column: 'queue_id',
  where: `status = 'pending' AND held_until IS NULL`,
  includes: job => job.status === 'pending' && job.held_until === null,
  order: ['rank', 'id'],
});

/** Jobs that are held for one miner, by miner. */
export const OFFERED_JOBS = index({
  table: 'job',
  column: 'held_for',
  where: 'held_for IS NOT NULL',
  includes: job => job.held_for !== null,
  order: ['id'],
});

/** Queues with waiting jobs, by model. */
export const WAITING_QUEUES = index({
  table: 'queue',
  column: 'model',
  where: 'pending > 0',
  includes: queue => queue.pending > 0,
  order: ['id'],
});

/** Fair-queueing clocks, by model. */
export const CLOCKS = index({
  table: 'fair_clock',
  column: 'model',
  where: 'id IS NOT NULL',
  includes: () => true,
  order: ['id'],
});

/** Webhooks that get an account's events, by account. */
export const ACCOUNT_WEBHOOKS = index({
  table: 'webhook',
  column: 'account_id',
  where: `for_jobs = 0 AND state <> 'disabled'`,
  includes: webhook => webhook.for_jobs === 0 && webhook.state !== 'disabled',
  order: ['id'],
});

/** Webhooks that get the events of all owners' miners, by 1. */
export const ALL_MINERS_WEBHOOKS = index({
  table: 'webhook',
  column: 'all_miners',
  where: `all_miners = 1 AND state <> 'disabled'`,
  includes: webhook => webhook.all_miners === 1 && webhook.state !== 'disabled',
  order: ['id'],
});

/** Answers that wait for a verifier, by weights. */
export const WAITING_VERIFICATIONS = index({
  table: 'verification',
  column: 'weights',
  where: `state = 'waiting'`,
  includes: row => row.state === 'waiting',
  order: ['id'],
});

/** Those that verifiers of other owners may read. */
export const SHARED_VERIFICATIONS = index({
  table: 'verification',
  column: 'weights',
  where: `state = 'waiting' AND consent = 1`,
  includes: row => row.state === 'waiting' && row.consent === 1,
  order: ['id'],
});

export const INDEXES: readonly RowIndex<Table>[] = [
  READY_JOBS,
  OFFERED_JOBS,
  WAITING_QUEUES,
  CLOCKS,
  ACCOUNT_WEBHOOKS,
  ALL_MINERS_WEBHOOKS,
  WAITING_VERIFICATIONS,
  SHARED_VERIFICATIONS,
] as unknown as RowIndex<Table>[];
