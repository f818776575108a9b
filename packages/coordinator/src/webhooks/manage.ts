import type { NewWebhook, WebhookChange } from '@aitbc/protocol';
import { loadRepeated, type OnceInput, once } from '../accounts/idempotency.ts';
import { done, failed, type Operation, type Outcome, type WriteContext } from '../store/operation.ts';
import { insertDeliveries } from './enqueue.ts';
import { startFollowingReceipts } from './follow-receipts.ts';
import { rotated } from './signature.ts';
import { type DeliveryRow, newDelivery, paused, resumed, type WebhookRow } from './webhook.ts';

/* What owners do with their webhooks. `accountId` is always that of the caller. */

export const webhookNotFound = failed('WEBHOOK_NOT_FOUND', 'Webhook not found');

export interface CreateWebhookInput extends OnceInput {
  id: string;
  accountId: number;
  request: NewWebhook;
  secret: string;
}

export const createWebhooks = ({ maxPerAccount }: { maxPerAccount: number }) =>
  once<CreateWebhookInput>(
    {
      name: 'webhooks.create',
      async apply(inputs, context) {
        const outcomes = [];
        for (const input of inputs) {
          const sql = `SELECT id FROM webhook WHERE account_id = ? AND for_jobs = 0 LIMIT ${maxPerAccount}`;
          const own = await context.tx.query<{ id: string }>(['webhook'], sql, [input.accountId]);
          if (own.length >= maxPerAccount) {
            const detail = `An account may have ${maxPerAccount} webhooks here`;
            outcomes.push(failed('WEBHOOK_LIMIT_EXCEEDED', detail));
            continue;
          }
          const webhook = newWebhook(input, context.now);
          if (webhook.receipts === 1) await startFollowingReceipts(context);
          await context.tx.insert('webhook', [webhook]);
          outcomes.push(done(undefined));
        }
        return outcomes;
      },
    },
    ({ id }) => id,
  );

const newWebhook = ({ id, accountId, request, secret }: CreateWebhookInput, now: number): WebhookRow => ({
  id,
  account_id: accountId,
  url: request.url,
  for_jobs: 0,
  ...eventColumns(request.events),
  description: request.description ?? null,
  include_result: request.include_result ? 1 : 0,
  all_miners: request.all_miners ? 1 : 0,
  ...{ secret, previous_secret: null, previous_until: null },
  ...{ state: 'active', disabled_reason: null, failing_since: null, last_success_at: null },
  ...{ due_at: null, leased_until: null, quiet_until: null },
  created_at: now,
  updated_at: now,
});

const eventColumns = (events: NewWebhook['events']) => ({
  events: [...new Set(events)].join(' '),
  receipts: events.includes('receipt.published') ? 1 : 0,
});

interface OwnerInput {
  webhookId: string;
  accountId: number;
}

/** Resolves with the owner's webhook, or undefined. */
async function loadOwn({ webhookId, accountId }: OwnerInput, { tx }: WriteContext) {
  const [webhook] = await tx.load('webhook', 'id', [webhookId]);
  return webhook?.account_id === accountId ? webhook : undefined;
}

/** Does the same for one webhook after the other. */
const forEach =
  <Input extends OwnerInput, Output>(
    act: (webhook: WebhookRow, input: Input, context: WriteContext) => Promise<Output>,
  ): Operation<Input, Output>['apply'] =>
  async (inputs, context) => {
    const outcomes = [];
    for (const input of inputs) {
      const webhook = await loadOwn(input, context);
      outcomes.push(webhook ? done(await act(webhook, input, context)) : webhookNotFound);
    }
    return outcomes;
  };

export interface ChangeWebhookInput extends OwnerInput {
  change: WebhookChange;
}

export const changeWebhooks: Operation<ChangeWebhookInput, WebhookRow> = {
  name: 'webhooks.change',
  apply: forEach(async (webhook, { change }, context) => {
    const { now, tx, emit } = context;
    const { url, events, description, include_result, paused: isPaused } = change;
    let after: WebhookRow = {
      ...webhook,
      ...(url !== undefined && { url }),
      ...(events && eventColumns(events)),
      ...(description !== undefined && { description }),
      ...(include_result !== undefined && { include_result: include_result ? 1 : 0 }),
      updated_at: now,
    };
    if (isPaused === true && webhook.state === 'active') after = paused(after);
    if (isPaused === false && webhook.state !== 'active') after = resumed(after, now);
    const followed = webhook.receipts === 1 && webhook.state !== 'disabled';
    if (after.receipts === 1 && !followed) await startFollowingReceipts(context);
    await tx.change('webhook', [{ before: webhook, after }]);
    if (after.state === 'active' && webhook.state !== 'active') emit({ type: 'webhook.due' });
    return after;
  }),
};

/** Deletes webhooks. Their deliveries are sent no more, and are erased with age. */
export const deleteWebhooks: Operation<OwnerInput, undefined> = {
  name: 'webhooks.delete',
  apply: forEach(async ({ id }, _, { tx }) => {
    await tx.delete('webhook', [id]);
    return undefined;
  }),
};

export interface RotateInput extends OwnerInput, OnceInput {
  secret: string;
}

/** Gives a webhook a new secret. Deliveries are signed with the one before as well, for a day. */
export const rotateSecrets = once<RotateInput>(
  {
    name: 'webhooks.rotate-secret',
    apply: forEach(async (webhook, { secret }, { tx, now }) => {
      const next = rotated({ secret: webhook.secret ?? secret }, secret, now);
      await tx.change('webhook', [{ before: webhook, after: { ...webhook, ...next, updated_at: now } }]);
    }),
  },
  ({ webhookId }) => webhookId,
);

export interface TestWebhookInput extends OwnerInput {
  /** A new id, since each test is another event. */
  testId: string;
}

/** Name of the event of a test. */
export const TEST_EVENT = 'webhook.test';

export const testWebhooks: Operation<TestWebhookInput, DeliveryRow> = {
  name: 'webhooks.test',
  apply: forEach(async (webhook, { testId }, context) => {
    const delivery = newDelivery(webhook.id, TEST_EVENT, testId, context.now);
    await insertDeliveries([delivery], [webhook], context);
    return delivery;
  }),
};

export interface AccountSecretInput extends OnceInput {
  accountId: number;
  /** The secret to take if the account has none yet, or if it rotates. */
  secret: string;
  rotate: boolean;
}

export interface AccountSecret {
  secret: string;
  previous_until: number | null;
  replayed: boolean;
}

/**
 * Returns the secret of an account, which is made when it is first asked for. A repeated rotation returns the secret that
 * the account has now.
 */
export const accountSecrets: Operation<AccountSecretInput, AccountSecret> = {
  name: 'webhooks.account-secret',
  async apply(inputs, context) {
    const { tx, now } = context;
    const repeated = await loadRepeated(
      inputs.flatMap(({ repeatable }) => repeatable ?? []),
      context,
    );
    const outcomes: Outcome<AccountSecret>[] = [];
    for (const { accountId, secret, rotate, repeatable } of inputs) {
      const before = repeatable && repeated.answer(repeatable);
      if (before?.ok === false) {
        outcomes.push(before);
        continue;
      }
      const [found] = await tx.load('webhook_secret', 'account_id', [accountId]);
      const fresh = { secret, previous_secret: null, previous_until: null };
      const rotates = rotate && !before;
      const kept = found === undefined ? fresh : rotates ? rotated(found, secret, now) : found;
      if (kept !== found) {
        const { secret, previous_secret, previous_until } = kept;
        await tx.upsert('webhook_secret', [
          { account_id: accountId, secret, previous_secret, previous_until },
        ]);
      }
      if (repeatable && !before) repeated.note(repeatable, []);
      const isBothValid = (kept.previous_until ?? 0) > now;
      outcomes.push(
        done({
          secret: kept.secret,
          previous_until: isBothValid ? kept.previous_until : null,
          replayed: before !== undefined,
        }),
      );
    }
    await repeated.save();
    return outcomes;
  },
};
