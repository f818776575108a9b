import type { RowIndex } from '../store/indexes.ts';
import { done, type Operation, type WriteContext } from '../store/operation.ts';
import type { RowChange } from '../store/transaction.ts';
import { type DeliveryRow, released, type WebhookRow } from './webhook.ts';

/** What a process may take. */
export interface LeaseInput {
  /** How many deliveries it can make now. */
  free: number;
  /** The same, by account, for accounts that have some under way. */
  freeOf: Readonly<Record<number, number>>;
  /** The most of one account, and of one webhook. */
  perAccount: number;
  perWebhook: number;
  leaseMs: number;
}

/** A webhook with deliveries that belong to one process until `leasedUntil`. */
export interface LeasedWebhook {
  webhook: WebhookRow;
  /** The secret of the account, for a webhook without one. */
  accountSecret: AccountSecret | undefined;
  leasedUntil: number;
  deliveries: DeliveryRow[];
}

type AccountSecret = { secret: string; previous_secret: string | null; previous_until: number | null };

export interface LeaseOutput {
  leased: LeasedWebhook[];
  /** Whether there may be more to lease as soon as places are free. */
  more: boolean;
}

/** A webhook's pending deliveries, in the order in which they are due. */
export const PENDING_DELIVERIES: RowIndex<'webhook_delivery'> = {
  table: 'webhook_delivery',
  column: 'webhook_id',
  where: 'next_at IS NOT NULL',
  includes: delivery => delivery.next_at !== null,
  order: ['next_at', 'id'],
};

/** How many webhooks are leased at once. */
const AT_ONCE = 64;

/** The webhooks that have been due for longest, but for those of some accounts. */
const dueExcept = (accounts: number) =>
  `SELECT * FROM webhook WHERE due_at IS NOT NULL AND state = 'active' AND due_at <= ?
    ${accounts === 0 ? '' : `AND account_id NOT IN (${Array(accounts).fill('?').join(', ')})`}
    ORDER BY due_at LIMIT ${AT_ONCE}`;

/**
 * Gives a process some deliveries of webhooks that are due. During the lease no other process looks at these webhooks. A
 * process that dies leaves them to be delivered when the lease is over.
 */
export const leaseDeliveries: Operation<LeaseInput, LeaseOutput> = {
  name: 'webhooks.lease',
  async apply(inputs, context) {
    const outcomes = [];
    for (const input of inputs) outcomes.push(done(await lease(input, context)));
    return outcomes;
  },
};

async function lease(input: LeaseInput, context: WriteContext): Promise<LeaseOutput> {
  const { tx, now } = context;
  // They keep their places: as soon as one of their deliveries ends, the webhook that has waited for longest is next.
  const full = Object.entries(input.freeOf).flatMap(([id, free]) => (free <= 0 ? [Number(id)] : []));
  const due = await tx.query<WebhookRow>(['webhook'], dueExcept(full.length), [now, ...full]);
  if (due.length === 0) return { leased: [], more: false };
  const ids = due.map(webhook => webhook.id);
  const pending = Map.groupBy(
    await tx.first(PENDING_DELIVERIES, ids, input.perWebhook),
    delivery => delivery.webhook_id,
  );
  const places = createPlaces(input);
  const leased: LeasedWebhook[] = [];
  const changes: RowChange<WebhookRow>[] = [];
  const change = (before: WebhookRow, after: WebhookRow) => changes.push({ before, after });
  for (const webhook of due) {
    const all = pending.get(webhook.id) ?? [];
    const ready = all.filter(({ next_at }) => (next_at ?? 0) <= now);
    if (ready.length === 0) {
      change(webhook, released(webhook, all[0], now));
      continue;
    }
    // One at a time shows whether a receiver that failed works again.
    const wanted = webhook.failing_since === null ? ready.length : 1;
    const deliveries = ready.slice(0, places.take(webhook.account_id, wanted));
    if (places.isUsedUp && deliveries.length === 0) break;
    if (deliveries.length === 0) continue;
    const leasedUntil = now + input.leaseMs;
    change(webhook, { ...webhook, leased_until: leasedUntil, due_at: leasedUntil });
    leased.push({ webhook, accountSecret: undefined, leasedUntil, deliveries });
  }
  await tx.change('webhook', changes);
  await addAccountSecrets(leased, context);
  return { leased, more: due.length === AT_ONCE || places.isUsedUp };
}

function createPlaces({ free, freeOf, perAccount }: LeaseInput) {
  let left = free;
  const leftOf = new Map(Object.entries(freeOf).map(([id, count]) => [Number(id), count]));
  return {
    get isUsedUp() {
      return left <= 0;
    },
    take(accountId: number, wanted: number): number {
      const own = leftOf.get(accountId) ?? perAccount;
      const taken = Math.max(0, Math.min(wanted, left, own));
      left -= taken;
      leftOf.set(accountId, own - taken);
      return taken;
    },
  };
}

async function addAccountSecrets(leased: LeasedWebhook[], { tx }: WriteContext): Promise<void> {
  const accountIds = leased.flatMap(({ webhook }) => (webhook.secret === null ? [webhook.account_id] : []));
  if (accountIds.length === 0) return;
  const rows = await tx.load('webhook_secret', 'account_id', [...new Set(accountIds)]);
  const byAccount = new Map(rows.map(row => [row.account_id, row]));
  for (const each of leased)
    if (each.webhook.secret === null) each.accountSecret = byAccount.get(each.webhook.account_id);
}
