import type { WebhookEventType } from '@aitbc/protocol';
import { ACCOUNT_WEBHOOKS, ALL_MINERS_WEBHOOKS } from '../store/indexes.ts';
import type { WriteContext } from '../store/operation.ts';
import { type DeliveryRow, eventsOf, isIdle, newDelivery, type WebhookRow } from './webhook.ts';

/** Something that webhooks may be told. */
export interface WebhookEvent {
  type: WebhookEventType;
  /** The id of the job, batch, receipt or miner. */
  subject: string;
  /** The accounts that it concerns. */
  accountIds: readonly number[];
  /** Whether webhooks for all owners' miners get it. */
  isOfMiner?: boolean;
  /** The webhook of the job's own URL. */
  ownWebhook?: string | undefined;
}

/** Whether any of these accounts has a webhook. The store keeps in memory which do, and which don't. */
export const haveWebhooks = async (accountIds: Iterable<number>, tx: WriteContext['tx']): Promise<boolean> =>
  (await tx.first(ACCOUNT_WEBHOOKS, [...accountIds])).length > 0;

/**
 * Stores what webhooks are to be told, within the transaction of the event. An account's webhooks are kept in memory, and
 * so is that it has none: then nothing is read or written.
 */
export async function enqueue(events: readonly WebhookEvent[], context: WriteContext): Promise<void> {
  const { tx, now } = context;
  const accountIds = new Set(events.flatMap(event => event.accountIds));
  const ownIds = new Set(events.flatMap(event => event.ownWebhook ?? []));
  const isOfMiner = events.some(event => event.isOfMiner);
  const [byAccount, everywhere, own] = await Promise.all([
    tx.first(ACCOUNT_WEBHOOKS, [...accountIds]),
    isOfMiner ? tx.first(ALL_MINERS_WEBHOOKS, [1]) : [],
    ownIds.size === 0 ? [] : tx.load('webhook', 'id', [...ownIds]),
  ]);
  if (byAccount.length + everywhere.length + own.length === 0) return;
  const accounts = Map.groupBy(byAccount, webhook => webhook.account_id);
  const ownById = new Map(own.map(webhook => [webhook.id, webhook]));
  const deliveries = new Map<string, DeliveryRow>();
  const told = new Map<string, WebhookRow>();
  for (const event of events) {
    const { type, subject } = event;
    const interested = [
      ...event.accountIds.flatMap(id => accounts.get(id) ?? []),
      ...(event.isOfMiner ? everywhere : []),
    ].filter(webhook => eventsOf(webhook).includes(type));
    const ownWebhook = ownById.get(event.ownWebhook ?? '');
    if (ownWebhook && ownWebhook.state !== 'disabled') interested.push(ownWebhook);
    for (const webhook of interested) {
      const delivery = newDelivery(webhook.id, type, subject, now);
      deliveries.set(delivery.id, delivery);
      told.set(webhook.id, webhook);
    }
  }
  await insertDeliveries([...deliveries.values()], [...told.values()], context);
}

/** Stores deliveries, and lets their webhooks be looked at unless a process does so already. */
export async function insertDeliveries(
  deliveries: readonly DeliveryRow[],
  webhooks: readonly WebhookRow[],
  { tx, now, emit }: WriteContext,
): Promise<void> {
  if (deliveries.length === 0) return;
  await tx.insert('webhook_delivery', deliveries);
  const woken = webhooks.filter(webhook => isIdle(webhook, now));
  if (woken.length === 0) return;
  await tx.update(
    'webhook',
    woken.map(webhook => ({ id: webhook.id, due_at: Math.max(now, webhook.quiet_until ?? 0) })),
  );
  emit({ type: 'webhook.due' });
}
