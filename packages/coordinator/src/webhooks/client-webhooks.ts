import type {
  CreatedWebhook,
  ListDeliveries,
  NewWebhook,
  Redelivering,
  RedeliverSince,
  SubmitJob,
  Webhook,
  WebhookChange,
  WebhookDelivery,
  WebhookSecret,
} from '@aitbc/protocol';
import { LRUCache } from 'lru-cache';
import type { OnceOutput } from '../accounts/idempotency.ts';
import type { Principal } from '../accounts/keys.ts';
import type { Repeats, Replayable } from '../accounts/repeats.ts';
import { fail } from '../errors.ts';
import type { Ids } from '../ids.ts';
import { type ListPage, nextPlace } from '../list-page.ts';
import { isoTime } from '../store/numbers.ts';
import { type Operation, unwrap } from '../store/operation.ts';
import type { Row } from '../store/schema.ts';
import type { Store } from '../store/store.ts';
import { buildBodies } from './body.ts';
import {
  accountSecrets,
  type CreateWebhookInput,
  changeWebhooks,
  deleteWebhooks,
  rotateSecrets,
  testWebhooks,
} from './manage.ts';
import type { NameResolver } from './name-resolver.ts';
import { MAX_ORIGINS, tooManyOrigins } from './own-webhooks.ts';
import { findAttempts, findWebhook, listDeliveries, listWebhooks } from './queries.ts';
import { parseReceiver, requireReceiver } from './receiver-url.ts';
import { redeliver } from './redeliver.ts';
import { newWebhookSecret } from './signature.ts';
import { type DeliveryRow, idTime, toWebhook, type WebhookRow } from './webhook.ts';

export interface ClientWebhooksOptions {
  store: Store;
  ids: Ids;
  names: NameResolver;
  repeats: Repeats;
  operations: { createWebhooks: Operation<CreateWebhookInput, OnceOutput> };
  /** Returns ms since the epoch. */
  now: () => number;
}

/** What owners do with their account's webhooks. Each method throws RequestError. */
export interface ClientWebhooks {
  /** Registers a webhook. A repeated request with the same idempotency key returns the first one with its secret. */
  create(
    principal: Principal,
    request: NewWebhook,
    idempotencyKey: string | undefined,
  ): Promise<Replayable<CreatedWebhook>>;
  list(principal: Principal, page: { before: string | undefined; limit: number }): Promise<ListPage<Webhook>>;
  get(principal: Principal, id: string): Promise<Webhook>;
  change(principal: Principal, id: string, change: WebhookChange): Promise<Webhook>;
  remove(principal: Principal, id: string): Promise<void>;
  /** Gives a webhook a new secret. A repeated request with the same idempotency key returns the secret that it has. */
  rotateSecret(
    principal: Principal,
    id: string,
    idempotencyKey: string | undefined,
  ): Promise<Replayable<WebhookSecret>>;
  /** The secret of the account, which signs the deliveries to jobs' own URLs. */
  accountSecret(principal: Principal): Promise<WebhookSecret>;
  /** Gives the account a new secret, as `rotateSecret` does. */
  rotateAccountSecret(
    principal: Principal,
    idempotencyKey: string | undefined,
  ): Promise<Replayable<WebhookSecret>>;
  test(principal: Principal, id: string): Promise<WebhookDelivery>;
  deliveries(
    principal: Principal,
    id: string,
    page: Pick<ListDeliveries, 'state'> & { before: string | undefined; limit: number },
  ): Promise<ListPage<WebhookDelivery>>;
  redeliver(principal: Principal, id: string, deliveryId: string): Promise<WebhookDelivery>;
  redeliverSince(principal: Principal, id: string, request: RedeliverSince): Promise<Redelivering>;
  /** Checks the URLs of new jobs, and that their account has a secret to sign with. */
  admitReceivers(accountId: number, jobs: readonly JobReceiver[]): Promise<void>;
}

/** How many deliveries a request to redeliver handles. */
const MAX_REDELIVERED = 100_000;

export function createClientWebhooks(options: ClientWebhooksOptions): ClientWebhooks {
  const { store, ids, names, repeats, operations, now } = options;
  /** Origins of jobs' URLs that were checked recently, since most jobs have the same. */
  const accepted = new LRUCache<string, true>({ max: 1_000, ttl: 60_000 });
  const withSecret = new LRUCache<number, true>({ max: 10_000 });

  async function owned({ accountId }: Principal, id: string): Promise<WebhookRow> {
    const webhook = await findWebhook(store.read, id);
    if (webhook?.account_id !== accountId) return fail('WEBHOOK_NOT_FOUND', 'Webhook not found');
    return webhook;
  }

  const ownerOf = ({ accountId }: Principal, webhookId: string) => ({ accountId, webhookId });

  async function views(webhook: WebhookRow, deliveries: readonly DeliveryRow[]): Promise<WebhookDelivery[]> {
    const includeResult = webhook.include_result === 1;
    const [attempts, bodies] = await Promise.all([
      findAttempts(store.read, deliveries),
      buildBodies(
        store.read,
        deliveries.map(delivery => ({ delivery, includeResult })),
      ),
    ]);
    return deliveries.map(delivery =>
      toDelivery(delivery, bodies.get(delivery.id)?.text, attempts.get(delivery.id)),
    );
  }

  async function viewOne(webhook: WebhookRow, delivery: DeliveryRow): Promise<WebhookDelivery> {
    const [view] = await views(webhook, [delivery]);
    if (!view) throw new Error('Each delivery has a view');
    return view;
  }

  return {
    async create(principal, request, idempotencyKey) {
      if (request.all_miners && !principal.scopes.has('admin'))
        fail('AUTH_INSUFFICIENT_SCOPE', 'Events of all miners need a key with the scope admin', {
          field: 'all_miners',
        });
      await requireReceiver(parseReceiver(request.url, 'url'), 'url', names);
      const { accountId } = principal;
      const { repeatable } = repeats(accountId, ['createWebhook', request], idempotencyKey);
      const input = { id: ids.next('hook'), accountId, request, secret: newWebhookSecret(), repeatable };
      const { id, replayed } = unwrap(await store.write(operations.createWebhooks, input));
      const webhook = await owned(principal, id);
      return { answer: { ...toWebhook(webhook), secret: secretOf(webhook) }, replayed };
    },
    async list({ accountId }, { before, limit }) {
      const webhooks = await listWebhooks(store.read, { accountId, before, limit });
      return {
        items: webhooks.map(toWebhook),
        next: nextPlace(webhooks, limit, webhook => webhook.id),
      };
    },
    get: async (principal, id) => toWebhook(await owned(principal, id)),
    async change(principal, id, change) {
      const webhook = await owned(principal, id);
      if (webhook.for_jobs === 1 && (change.url ?? change.events ?? change.include_result) !== undefined)
        fail('VALIDATION_INVALID_FORMAT', 'A webhook for jobs’ own URLs can be paused and described only', {
          field: 'url',
        });
      if (change.url !== undefined) await requireReceiver(parseReceiver(change.url, 'url'), 'url', names);
      const input = { ...ownerOf(principal, id), change };
      return toWebhook(unwrap(await store.write(changeWebhooks, input)));
    },
    async remove(principal, id) {
      unwrap(await store.write(deleteWebhooks, ownerOf(principal, id)));
    },
    async rotateSecret(principal, id, idempotencyKey) {
      if ((await owned(principal, id)).for_jobs === 1)
        fail('VALIDATION_INVALID_FORMAT', 'This webhook signs with the secret of the account', {
          field: 'id',
        });
      const { repeatable } = repeats(principal.accountId, ['rotateWebhookSecret', id], idempotencyKey);
      const input = { ...ownerOf(principal, id), secret: newWebhookSecret(), repeatable };
      const { replayed } = unwrap(await store.write(rotateSecrets, input));
      const webhook = await owned(principal, id);
      const until = (webhook.previous_until ?? 0) > now() ? webhook.previous_until : null;
      return { answer: toSecret(secretOf(webhook), until), replayed };
    },
    async accountSecret({ accountId }) {
      const input = { accountId, secret: newWebhookSecret(), rotate: false };
      const { secret, previous_until } = unwrap(await store.write(accountSecrets, input));
      return toSecret(secret, previous_until);
    },
    async rotateAccountSecret({ accountId }, idempotencyKey) {
      const { repeatable } = repeats(accountId, ['rotateAccountSecret'], idempotencyKey);
      const input = { accountId, secret: newWebhookSecret(), rotate: true, repeatable };
      const { secret, previous_until, replayed } = unwrap(await store.write(accountSecrets, input));
      return { answer: toSecret(secret, previous_until), replayed };
    },
    async test(principal, id) {
      const webhook = await owned(principal, id);
      const input = { ...ownerOf(principal, id), testId: ids.next('test') };
      return await viewOne(webhook, unwrap(await store.write(testWebhooks, input)));
    },
    async deliveries(principal, id, page) {
      const webhook = await owned(principal, id);
      const { items, next } = await listDeliveries(store.read, {
        webhookId: id,
        ...page,
        state: page.state,
      });
      return { items: await views(webhook, items), next };
    },
    async redeliver(principal, id, deliveryId) {
      const webhook = await owned(principal, id);
      const input = { ...ownerOf(principal, id), which: { id: deliveryId } };
      const [delivery] = unwrap(await store.write(redeliver, input)).deliveries;
      if (!delivery) throw new Error('A delivery that was found is queued');
      return await viewOne(webhook, delivery);
    },
    async redeliverSince(principal, id, { since, only_failed: onlyFailed = false }) {
      const time = Date.parse(since);
      let redelivering = 0;
      let after: string | undefined = idTime(Math.max(0, time));
      let last: number | undefined;
      while (after !== undefined && redelivering < MAX_REDELIVERED) {
        const input: Parameters<typeof redeliver.apply>[0][number] = {
          ...ownerOf(principal, id),
          which: { after, onlyFailed },
        };
        const { deliveries, next } = unwrap(await store.write(redeliver, input));
        redelivering += deliveries.length;
        last = deliveries.at(-1)?.occurred_at ?? last;
        after = next;
      }
      const complete = after === undefined;
      return { redelivering, complete, next_since: complete || last === undefined ? null : isoTime(last) };
    },
    async admitReceivers(accountId, jobs) {
      const urls = receiversOf(jobs);
      if (urls.length === 0) return;
      const receivers = new Map<string, { url: URL; field: string }>();
      for (const { url: text, field } of urls) {
        const url = parseReceiver(text, field);
        if (!accepted.has(url.origin)) receivers.set(url.origin, { url, field });
      }
      if (receivers.size > MAX_ORIGINS) throw tooManyOrigins();
      await Promise.all([...receivers.values()].map(({ url, field }) => requireReceiver(url, field, names)));
      for (const origin of receivers.keys()) accepted.set(origin, true);
      if (withSecret.has(accountId)) return;
      unwrap(await store.write(accountSecrets, { accountId, secret: newWebhookSecret(), rotate: false }));
      withSecret.set(accountId, true);
    },
  };
}

const toSecret = (secret: string, previousUntil: number | null): WebhookSecret => ({
  secret,
  previous_valid_until: previousUntil === null ? null : isoTime(previousUntil),
});

/** Returns the secret of a webhook that has its own. */
function secretOf({ id, secret }: WebhookRow): string {
  if (secret === null) throw new Error(`${id} signs with the secret of its account`);
  return secret;
}

function toDelivery(
  delivery: DeliveryRow,
  body: string | undefined,
  attempts: readonly Row<'webhook_attempt'>[] = [],
): WebhookDelivery {
  return {
    id: delivery.id,
    type: delivery.type,
    subject: delivery.subject,
    occurred_at: isoTime(delivery.occurred_at),
    state: delivery.state,
    next_attempt_at: delivery.next_at === null ? null : isoTime(delivery.next_at),
    body: body ?? null,
    attempts: attempts.map(({ started_at, url, duration_ms, status_code, error, response }) => ({
      at: isoTime(started_at),
      ...{ url, duration_ms, status_code, error, response },
    })),
  };
}

type JobReceiver = Pick<SubmitJob, 'webhook_url'>;

/** The URLs of a request's jobs, each once, with the field that has it. */
function receiversOf(jobs: readonly JobReceiver[]): { url: string; field: string }[] {
  const prefix = (index: number) => (jobs.length === 1 ? '' : `jobs.${index}.`);
  const fields = new Map<string, string>();
  for (const [index, { webhook_url: url }] of jobs.entries())
    if (url !== undefined && !fields.has(url)) fields.set(url, `${prefix(index)}webhook_url`);
  return [...fields].map(([url, field]) => ({ url, field }));
}
