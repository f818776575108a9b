import { done, failed, type Operation } from '../store/operation.ts';
import { webhookNotFound } from './manage.ts';
import { type DeliveryRow, isIdle, type WebhookRow } from './webhook.ts';

export interface RedeliverInput {
  webhookId: string;
  accountId: number;
  /** One delivery, or all after this id. */
  which: { id: string } | { after: string; onlyFailed: boolean };
}

/** How many deliveries are queued again at once. */
const AT_ONCE = 1_000;

const SINCE = `SELECT * FROM webhook_delivery WHERE webhook_id = ? AND id > ? ORDER BY id LIMIT ${AT_ONCE}`;

/** The deliveries that are queued again, and the id after which there may be more. */
export interface Requeued {
  deliveries: DeliveryRow[];
  next: string | undefined;
}

/** Queues deliveries again, under the same ids, so that receivers can recognise them. Pending ones are tried at once. */
export const redeliver: Operation<RedeliverInput, Requeued> = {
  name: 'webhooks.redeliver',
  async apply(inputs, { tx, now, emit }) {
    const outcomes = [];
    for (const { webhookId, accountId, which } of inputs) {
      const [webhook] = await tx.load('webhook', 'id', [webhookId]);
      if (webhook?.account_id !== accountId) {
        outcomes.push(webhookNotFound);
        continue;
      }
      const found =
        'id' in which
          ? await tx.load('webhook_delivery', 'id', [which.id])
          : await tx.query<DeliveryRow>(['webhook_delivery'], SINCE, [webhookId, which.after]);
      const wanted = found.filter(
        ({ webhook_id, state }) =>
          webhook_id === webhookId && !('onlyFailed' in which && which.onlyFailed && state === 'delivered'),
      );
      if ('id' in which && wanted.length === 0) {
        outcomes.push(failed('WEBHOOK_NOT_FOUND', `The webhook has no delivery ${which.id}`));
        continue;
      }
      const again = { state: 'pending' as const, tries: 0, next_at: now };
      const queued = wanted.map(delivery => ({ ...delivery, ...again }));
      await tx.update(
        'webhook_delivery',
        queued.map(({ id }) => ({ id, ...again })),
      );
      if (isIdle(webhook, now) && queued.length > 0) {
        await tx.update('webhook', [dueNow(webhook, now)]);
        emit({ type: 'webhook.due' });
      }
      outcomes.push(
        done({ deliveries: queued, next: found.length === AT_ONCE ? found.at(-1)?.id : undefined }),
      );
    }
    return outcomes;
  },
};

const dueNow = ({ id }: WebhookRow, now: number) => ({ id, due_at: now, quiet_until: null });
