import type {
  CreatedWebhook,
  ListDeliveries,
  ListWebhooks,
  NewWebhook,
  Redelivering,
  RedeliverSince,
  Webhook,
  WebhookChange,
  WebhookDelivery,
  WebhookKey,
  WebhookSecret,
} from '@aitbc/protocol';
import type { RequestOptions } from '../options.ts';
import type { Paged } from '../pages.ts';
import { type IdempotentOptions, Resource } from '../requests.ts';
import { id } from '../transport.ts';

const pathOf = (webhookId: string) => `/v1/webhooks/${id(webhookId)}`;

/** Where your events are posted. `verifyWebhook` checks what arrives there. */
export class Webhooks extends Resource {
  /** Registers a webhook. Its `secret` is only in this answer. Retries get the same webhook. */
  create(webhook: NewWebhook, options: IdempotentOptions = {}): Promise<CreatedWebhook> {
    return this.requests.create('/v1/webhooks', webhook, options);
  }

  /** Lists your webhooks, newest first. */
  list(query: ListWebhooks = {}, options?: RequestOptions): Paged<Webhook> {
    return this.requests.list('/v1/webhooks', query, options);
  }

  /** Returns a webhook, and whether its deliveries succeed. */
  get(webhookId: string, options?: RequestOptions): Promise<Webhook> {
    return this.requests.get(pathOf(webhookId), options);
  }

  /** Changes, pauses (`paused: true`) or resumes a webhook. */
  update(webhookId: string, change: WebhookChange, options?: RequestOptions): Promise<Webhook> {
    const path = pathOf(webhookId);
    return this.requests.send({ method: 'PATCH', path, body: change, repeatable: true }, options);
  }

  /** Deletes a webhook. Nothing more is delivered to it. */
  async delete(webhookId: string, options?: RequestOptions): Promise<void> {
    await this.requests.send({ method: 'DELETE', path: pathOf(webhookId) }, options);
  }

  /** Gives the webhook a new secret. For a day, deliveries are signed with the one before as well. */
  rotateSecret(webhookId: string, options: IdempotentOptions = {}): Promise<WebhookSecret> {
    return this.requests.create(`${pathOf(webhookId)}/rotate-secret`, {}, options);
  }

  /** Sends an event `webhook.test`. */
  test(webhookId: string, options?: RequestOptions): Promise<WebhookDelivery> {
    return this.requests.send({ method: 'POST', path: `${pathOf(webhookId)}/test`, body: {} }, options);
  }

  /** Lists what was delivered or is to be, with the log of tries, newest first. */
  deliveries(
    webhookId: string,
    query: ListDeliveries = {},
    options?: RequestOptions,
  ): Paged<WebhookDelivery> {
    return this.requests.list(`${pathOf(webhookId)}/deliveries`, query, options);
  }

  /** Sends a delivery again, under the same id. */
  redeliver(webhookId: string, deliveryId: string, options?: RequestOptions): Promise<WebhookDelivery> {
    const path = `${pathOf(webhookId)}/deliveries/${id(deliveryId)}/redeliver`;
    return this.requests.post(path, {}, options);
  }

  /** Sends all deliveries of events since a time again, or only those that failed. */
  redeliverSince(
    webhookId: string,
    request: RedeliverSince,
    options?: RequestOptions,
  ): Promise<Redelivering> {
    return this.requests.post(`${pathOf(webhookId)}/redeliver`, request, options);
  }

  /** Returns the secret of your account, which signs deliveries to jobs' own `webhook_url`. */
  secret(options?: RequestOptions): Promise<WebhookSecret> {
    return this.requests.get('/v1/webhooks/secret', options);
  }

  /** Gives your account a new secret. For a day, deliveries are signed with the one before as well. */
  rotateAccountSecret(options: IdempotentOptions = {}): Promise<WebhookSecret> {
    return this.requests.create('/v1/webhooks/secret/rotate', {}, options);
  }

  /** Returns the public key that verifies the v1a signatures of all deliveries, as `whpk_…`. */
  async key(options?: RequestOptions): Promise<string> {
    return (await this.requests.get<WebhookKey>('/v1/webhooks/key', options)).key;
  }
}
