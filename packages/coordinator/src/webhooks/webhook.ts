import { hash } from 'node:crypto';
import type { Webhook, WebhookEventType } from '@aitbc/protocol';
import { encodeTime } from 'ulid';
import { isoTime } from '../store/numbers.ts';
import type { Row } from '../store/schema.ts';

/*
 * A webhook and its deliveries, as pure functions from rows to the next rows.
 *
 *   active ◀──resume── paused | disabled          pending ──succeeds──▶ delivered
 *     ├──pause──▶ paused                             │ ▲ └──last try fails──▶ failed
 *     └──answers 410, or fails for five days──▶      └─┘ fails: again after a pause
 *        disabled                                  delivered | failed ──redeliver──▶ pending
 */

export type WebhookRow = Row<'webhook'>;
export type DeliveryRow = Row<'webhook_delivery'>;

/** The result of one try. */
export interface AttemptOutcome {
  /** Null where no answer came. */
  statusCode: number | null;
  error: string | null;
  /** The start of the answer. */
  response: string | null;
  /** Ms since the epoch. */
  startedAt: number;
  durationMs: number;
  /** How long the receiver asked not to be tried again. */
  retryAfterMs?: number | undefined;
  /** No later try could succeed. */
  final?: boolean | undefined;
}

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** Pauses between the tries of a delivery. */
export const RETRY_PAUSES_MS: readonly number[] = [
  5 * SECOND,
  5 * MINUTE,
  30 * MINUTE,
  2 * HOUR,
  5 * HOUR,
  10 * HOUR,
  10 * HOUR,
];

/** The largest share of a pause that is added to it by chance, so that receivers are not tried by all at once. */
const JITTER = 0.2;

/** Receivers can't ask for longer pauses. */
const MAX_RETRY_AFTER_MS = 10 * HOUR;

/** A webhook is disabled when no delivery has succeeded for this long. */
export const FAILING_LIMIT_MS = 5 * 24 * HOUR;

export const isSuccess = ({ statusCode }: Pick<AttemptOutcome, 'statusCode'>) =>
  statusCode !== null && statusCode >= 200 && statusCode < 300;

const isGone = ({ statusCode }: AttemptOutcome) => statusCode === 410;

/** @param chance from 0 to 1 */
export function afterAttempt(
  delivery: DeliveryRow,
  outcome: AttemptOutcome,
  now: number,
  chance: number,
): DeliveryRow {
  const tried = { ...delivery, tries: delivery.tries + 1, attempts: delivery.attempts + 1 };
  if (isSuccess(outcome)) return { ...tried, state: 'delivered', next_at: null };
  const pause = RETRY_PAUSES_MS[delivery.tries];
  if (pause === undefined || outcome.final || isGone(outcome))
    return { ...tried, state: 'failed', next_at: null };
  const pauseMs = Math.max(pause * (1 + JITTER * chance), boundedRetryAfter(outcome));
  return { ...tried, next_at: Math.ceil(now + pauseMs) };
}

/** The webhook after one of its deliveries was tried. */
export function withOutcome(webhook: WebhookRow, outcome: AttemptOutcome, now: number): WebhookRow {
  if (isSuccess(outcome)) return { ...webhook, failing_since: null, quiet_until: null, last_success_at: now };
  if (outcome.final) return webhook;
  const failing_since = webhook.failing_since ?? now;
  const failing = { ...webhook, failing_since };
  if (webhook.state !== 'active') return failing;
  // Each job has another URL at the same origin, so one that is gone says nothing about the others.
  if (isGone(outcome) && webhook.for_jobs === 0) return disabled(failing, 'gone');
  if (now - failing_since >= FAILING_LIMIT_MS) return disabled(failing, 'failing');
  const retryAfterMs = boundedRetryAfter(outcome);
  return retryAfterMs > 0 ? { ...failing, quiet_until: now + retryAfterMs } : failing;
}

const boundedRetryAfter = ({ retryAfterMs = 0 }: AttemptOutcome) =>
  Math.min(Math.max(retryAfterMs, 0), MAX_RETRY_AFTER_MS);

const disabled = (webhook: WebhookRow, reason: 'gone' | 'failing'): WebhookRow => ({
  ...webhook,
  state: 'disabled',
  disabled_reason: reason,
  due_at: null,
});

export const paused = (webhook: WebhookRow): WebhookRow => ({ ...webhook, state: 'paused', due_at: null });

/** Resumes a paused or disabled webhook, and lets its deliveries be looked for at once. */
export const resumed = (webhook: WebhookRow, now: number): WebhookRow => ({
  ...webhook,
  state: 'active',
  disabled_reason: null,
  failing_since: null,
  quiet_until: null,
  due_at: now,
});

/** The webhook once its deliveries can be leased again. `next` is its next pending delivery. */
export function released(webhook: WebhookRow, next: DeliveryRow | undefined, now: number): WebhookRow {
  const isDue = webhook.state === 'active' && next !== undefined;
  // Not before now: a webhook with a backlog takes its turn behind the others.
  const due_at = isDue ? Math.max(now, next.next_at ?? now, webhook.quiet_until ?? 0) : null;
  return { ...webhook, leased_until: null, due_at };
}

/** Whether a new delivery changes when the webhook is due. */
export const isIdle = ({ state, leased_until, due_at }: WebhookRow, now: number) =>
  state === 'active' && (leased_until ?? 0) <= now && (due_at === null || due_at > now);

export const eventsOf = ({ events }: Pick<WebhookRow, 'events'>) => events.split(' ') as WebhookEventType[];

const ID_TIME_LENGTH = 10;
const ID_HASH_LENGTH = 20;

/** The start of the ids of deliveries whose event happened at `time` (ms since the epoch). */
export const idTime = (time: number) => `msg_${encodeTime(time, ID_TIME_LENGTH).toLowerCase()}`;

/** The id of a delivery. The same event has the same id at the same webhook, so that doubles collapse. */
export const deliveryId = (webhookId: string, type: string, subject: string, time: number) =>
  idTime(time) + hash('sha256', `${webhookId} ${type} ${subject}`).slice(0, ID_HASH_LENGTH);

export const newDelivery = (webhookId: string, type: string, subject: string, now: number): DeliveryRow => ({
  id: deliveryId(webhookId, type, subject, now),
  webhook_id: webhookId,
  type,
  subject,
  occurred_at: now,
  state: 'pending',
  tries: 0,
  attempts: 0,
  next_at: now,
});

const timeOrNull = (time: number | null) => (time === null ? null : isoTime(time));

export function toWebhook(webhook: WebhookRow): Webhook {
  return {
    id: webhook.id,
    url: webhook.url,
    events: eventsOf(webhook),
    description: webhook.description,
    include_result: webhook.include_result === 1,
    all_miners: webhook.all_miners === 1,
    for_jobs: webhook.for_jobs === 1,
    state: webhook.state,
    disabled_reason: webhook.disabled_reason,
    failing_since: timeOrNull(webhook.failing_since),
    last_success_at: timeOrNull(webhook.last_success_at),
    next_attempt_at: webhook.leased_until === null ? timeOrNull(webhook.due_at) : null,
    created_at: isoTime(webhook.created_at),
    updated_at: isoTime(webhook.updated_at),
  };
}
