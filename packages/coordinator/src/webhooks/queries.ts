import type { WEBHOOK_DELIVERY_STATES } from '@aitbc/protocol';
import type { Kysely } from 'kysely';
import type { ListPage } from '../list-page.ts';
import type { DatabaseSchema, Row } from '../store/schema.ts';
import { attemptId, deliveryOf } from './attempt-id.ts';
import type { DeliveryRow, WebhookRow } from './webhook.ts';

type Db = Kysely<DatabaseSchema>;

export async function findWebhook(db: Db, id: string): Promise<WebhookRow | undefined> {
  return await db.selectFrom('webhook').selectAll().where('id', '=', id).executeTakeFirst();
}

export interface WebhookFilter {
  accountId: number;
  /** Only webhooks with a smaller id. */
  before: string | undefined;
  limit: number;
}

/** Lists an account's webhooks, newest first. */
export async function listWebhooks(
  db: Db,
  { accountId, before, limit }: WebhookFilter,
): Promise<WebhookRow[]> {
  let query = db.selectFrom('webhook').selectAll().where('account_id', '=', accountId);
  if (before !== undefined) query = query.where('id', '<', before);
  return await query.orderBy('id', 'desc').limit(limit).execute();
}

export interface DeliveryFilter {
  webhookId: string;
  state: (typeof WEBHOOK_DELIVERY_STATES)[number] | undefined;
  /** Only deliveries with a smaller id. */
  before: string | undefined;
  limit: number;
}

const SCANNED_AT_ONCE = 1_000;

/**
 * Lists a webhook's deliveries, newest first. A page of one state searches a thousand deliveries, so it may be short and
 * still have a next page.
 */
export async function listDeliveries(
  db: Db,
  { webhookId, state, before, limit }: DeliveryFilter,
): Promise<ListPage<DeliveryRow>> {
  let query = db.selectFrom('webhook_delivery').selectAll().where('webhook_id', '=', webhookId);
  if (before !== undefined) query = query.where('id', '<', before);
  const scanned = await query
    .orderBy('id', 'desc')
    .limit(state === undefined ? limit : SCANNED_AT_ONCE)
    .execute();
  const deliveries = scanned.filter(each => state === undefined || each.state === state).slice(0, limit);
  const isFull = deliveries.length === limit;
  const isAll = state === undefined ? scanned.length < limit : scanned.length < SCANNED_AT_ONCE;
  return { items: deliveries, next: isFull ? deliveries.at(-1)?.id : isAll ? undefined : scanned.at(-1)?.id };
}

/** How many tries of one delivery are shown. */
const SHOWN_ATTEMPTS = 20;

/** Returns the last tries of deliveries, oldest first, by delivery. */
export async function findAttempts(
  db: Db,
  deliveries: readonly DeliveryRow[],
): Promise<Map<string, Row<'webhook_attempt'>[]>> {
  const ids = deliveries.flatMap(({ id, attempts }) =>
    Array.from({ length: Math.min(attempts, SHOWN_ATTEMPTS) }, (_, index) =>
      attemptId(id, attempts - 1 - index),
    ),
  );
  if (ids.length === 0) return new Map();
  const rows = await db
    .selectFrom('webhook_attempt')
    .selectAll()
    .where('id', 'in', ids)
    .orderBy('id')
    .execute();
  return Map.groupBy(rows, row => deliveryOf(row.id));
}

/** The rows that bodies are built from, by id. */
export interface Subjects {
  jobs: ReadonlyMap<string, Row<'job'>>;
  /** The metadata of jobs. */
  metadata: ReadonlyMap<string, string | null>;
  outputs: ReadonlyMap<string, Row<'job_output'>>;
  /** Signed receipts as JSON, by their id. */
  receipts: ReadonlyMap<string, string>;
  batches: ReadonlyMap<string, Row<'batch'>>;
  miners: ReadonlyMap<string, Row<'miner'>>;
}

export interface SubjectIds {
  jobs: readonly string[];
  /** Of jobs whose result is wanted. */
  results: readonly string[];
  receipts: readonly string[];
  batches: readonly string[];
  miners: readonly string[];
}

/** Reads the subjects of many deliveries with one query for each kind. */
export async function findSubjects(db: Db, ids: SubjectIds): Promise<Subjects> {
  const jobs =
    ids.jobs.length === 0 ? [] : await db.selectFrom('job').selectAll().where('id', 'in', ids.jobs).execute();
  const receiptIds = [...ids.receipts, ...jobs.flatMap(job => job.receipt_id ?? [])];
  const [metadata, outputs, receipts, batches, miners] = await Promise.all([
    ids.jobs.length === 0
      ? []
      : db.selectFrom('job_input').select(['job_id', 'metadata']).where('job_id', 'in', ids.jobs).execute(),
    ids.results.length === 0
      ? []
      : db.selectFrom('job_output').selectAll().where('job_id', 'in', ids.results).execute(),
    receiptIds.length === 0
      ? []
      : db.selectFrom('entry').select(['id', 'body']).where('id', 'in', receiptIds).execute(),
    ids.batches.length === 0
      ? []
      : db.selectFrom('batch').selectAll().where('id', 'in', ids.batches).execute(),
    ids.miners.length === 0 ? [] : db.selectFrom('miner').selectAll().where('id', 'in', ids.miners).execute(),
  ]);
  return {
    jobs: new Map(jobs.map(job => [job.id, job])),
    metadata: new Map(metadata.map(row => [row.job_id, row.metadata])),
    outputs: new Map(outputs.map(row => [row.job_id, row])),
    receipts: new Map(receipts.map(row => [row.id, row.body])),
    batches: new Map(batches.map(batch => [batch.id, batch])),
    miners: new Map(miners.map(miner => [miner.id, miner])),
  };
}

const MAX_COUNTED = 100_000;

/** Counts the pending deliveries of all webhooks, up to a limit. */
export async function countPending(db: Db): Promise<number> {
  const pending = db
    .selectFrom('webhook_delivery')
    .select('id')
    .where('next_at', 'is not', null)
    .limit(MAX_COUNTED);
  const { count } = await db
    .selectFrom(pending.as('pending'))
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow();
  return Number(count);
}
