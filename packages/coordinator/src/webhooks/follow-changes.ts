import type { WebhookEventType } from '@aitbc/protocol';
import { isEnded, type JobRow } from '../jobs/job.ts';
import type { WriteContext } from '../store/operation.ts';
import type { Row } from '../store/schema.ts';
import type { MinerChange, SavedChange } from '../store/topics.ts';
import { enqueue, haveWebhooks, type WebhookEvent } from './enqueue.ts';
import { readOwnWebhook } from './own-webhooks.ts';

/** Tells the webhooks of a job's account, and the job's own, that it has ended. Runs of replicated jobs are not told of. */
export async function followJobs(changes: readonly SavedChange[], context: WriteContext): Promise<void> {
  const ended: JobRow[] = [];
  for (const { before, after } of changes)
    if (isEnded(after.status) && after.role !== 'run' && !(before && isEnded(before.status)))
      ended.push(after);
  if (ended.length === 0) return;
  // Most accounts have no webhooks, which is known without looking into the database.
  const accountIds = new Set(ended.map(job => job.account_id));
  const isTold = ended.some(job => job.webhook !== null) || (await haveWebhooks(accountIds, context.tx));
  if (isTold) await enqueue(ended.map(eventOf), context);
}

function eventOf({ id, status, account_id, webhook }: JobRow): WebhookEvent {
  const type = `job.${status}` as WebhookEventType;
  const own = readOwnWebhook(webhook);
  return {
    ...{ type, subject: id, accountIds: [account_id] },
    ...(own?.events.includes(type) && { ownWebhook: own.webhook }),
  };
}

/** Tells the webhooks of a batch's account that it has ended. */
export async function followBatches(batches: readonly Row<'batch'>[], context: WriteContext): Promise<void> {
  const events = batches.map(({ id, account_id, outcome }) => ({
    type: outcome === 'completed' ? ('batch.completed' as const) : ('batch.failed' as const),
    subject: id,
    accountIds: [account_id],
  }));
  await enqueue(events, context);
}

/** Tells the owner and the operator of a miner, and administrators who asked for it, what happened to it. */
export async function followMiners(changes: readonly MinerChange[], context: WriteContext): Promise<void> {
  const events = changes.flatMap(({ before, after }): WebhookEvent[] => {
    if (after.status === 'removed') return [];
    const accountIds = [...new Set([after.owner_id, after.operator_id])];
    const event = (type: WebhookEventType) => ({ type, subject: after.id, accountIds, isOfMiner: true });
    return [
      ...(before.status !== 'offline' && after.status === 'offline' ? [event('miner.offline')] : []),
      ...(before.suspended_at === null && after.suspended_at !== null ? [event('miner.suspended')] : []),
    ];
  });
  if (events.length > 0) await enqueue(events, context);
}
