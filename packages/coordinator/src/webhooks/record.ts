import { done, type Operation, type WriteContext } from '../store/operation.ts';
import type { Row } from '../store/schema.ts';
import { attemptId } from './attempt-id.ts';
import { PENDING_DELIVERIES } from './lease.ts';
import {
  type AttemptOutcome,
  afterAttempt,
  type DeliveryRow,
  released,
  type WebhookRow,
  withOutcome,
} from './webhook.ts';

export interface RecordInput {
  deliveryId: string;
  webhookId: string;
  /** Names the lease. */
  leasedUntil: number;
  /** Whether this is the last delivery of the lease, which ends it. */
  isLast: boolean;
  url: string;
  /** Undefined for a try that the process gave up because it stops: it does not count. */
  outcome: AttemptOutcome | undefined;
  /** From 0 to 1. */
  chance: number;
}

/** The result says whether more deliveries of the webhook are due now. */
export const recordAttempts: Operation<RecordInput, { more: boolean }> = {
  name: 'webhooks.record',
  async apply(inputs, context) {
    const { tx, now } = context;
    const [deliveries, webhooks] = await Promise.all([
      loadDeliveries(inputs, context),
      loadWebhooks(inputs, context),
    ]);
    const found = new Map(webhooks);
    const active = new Set(
      [...webhooks.values()].flatMap(({ id, state }) => (state === 'active' ? [id] : [])),
    );
    const attempts: Row<'webhook_attempt'>[] = [];
    for (const { deliveryId, webhookId, outcome, chance, url } of inputs) {
      const delivery = deliveries.get(deliveryId);
      if (!outcome || delivery?.state !== 'pending') continue;
      deliveries.set(deliveryId, afterAttempt(delivery, outcome, now, chance));
      attempts.push(attemptRow(delivery, url, outcome));
      const webhook = webhooks.get(webhookId);
      if (webhook) webhooks.set(webhookId, withOutcome(webhook, outcome, now));
    }
    await tx.insert('webhook_attempt', attempts);
    await tx.update('webhook_delivery', [...deliveries.values()]);
    await endLeases(inputs, webhooks, context);
    await tx.change(
      'webhook',
      [...found].map(([id, before]) => ({ before, after: webhooks.get(id) ?? before })),
    );
    for (const { id, state, disabled_reason: reason, account_id: accountId } of webhooks.values())
      if (state === 'disabled' && reason !== null && active.has(id))
        context.emit({ type: 'webhook.disabled', webhookId: id, accountId, reason });
    const isDue = (webhook: WebhookRow | undefined) => (webhook?.due_at ?? now + 1) <= now;
    return inputs.map(({ webhookId }) => done({ more: isDue(webhooks.get(webhookId)) }));
  },
};

const loadDeliveries = async (inputs: readonly RecordInput[], { tx }: WriteContext) => {
  const rows = await tx.load('webhook_delivery', 'id', [...new Set(inputs.map(input => input.deliveryId))]);
  return new Map<string, DeliveryRow>(rows.map(row => [row.id, row]));
};

const loadWebhooks = async (inputs: readonly RecordInput[], { tx }: WriteContext) => {
  const rows = await tx.load('webhook', 'id', [...new Set(inputs.map(input => input.webhookId))]);
  return new Map<string, WebhookRow>(rows.map(row => [row.id, row]));
};

/** Ends the leases whose last delivery was made, unless another process has taken over. */
async function endLeases(
  inputs: readonly RecordInput[],
  webhooks: Map<string, WebhookRow>,
  { tx, now }: WriteContext,
): Promise<void> {
  const ended = new Set(
    inputs.flatMap(({ isLast, leasedUntil, webhookId }) =>
      isLast && webhooks.get(webhookId)?.leased_until === leasedUntil ? [webhookId] : [],
    ),
  );
  const pending = await tx.first(PENDING_DELIVERIES, [...ended], 1);
  const next = new Map(pending.map(delivery => [delivery.webhook_id, delivery]));
  for (const id of ended) {
    const webhook = webhooks.get(id);
    if (webhook) webhooks.set(id, released(webhook, next.get(id), now));
  }
}

function attemptRow(delivery: DeliveryRow, url: string, outcome: AttemptOutcome): Row<'webhook_attempt'> {
  return {
    id: attemptId(delivery.id, delivery.attempts),
    url,
    started_at: outcome.startedAt,
    duration_ms: outcome.durationMs,
    status_code: outcome.statusCode,
    error: outcome.error,
    response: outcome.response,
  };
}
