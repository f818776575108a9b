import type { OnceOutput } from '../accounts/idempotency.ts';
import type { Repeats } from '../accounts/repeats.ts';
import type { Task } from '../define-module.ts';
import type { Ids } from '../ids.ts';
import type { Operation } from '../store/operation.ts';
import type { Store } from '../store/store.ts';
import { createAddressPolicy } from './addresses.ts';
import { type ClientWebhooks, createClientWebhooks } from './client-webhooks.ts';
import { createDeliverer, type Deliverer } from './deliverer.ts';
import { createDeliveryEvents, type DeliveryEvents } from './delivery-events.ts';
import { createDeliveryTask, createWakeUp } from './delivery-task.ts';
import type { CreateWebhookInput } from './manage.ts';
import { createNameResolver } from './name-resolver.ts';
import type { WebhookConfig } from './options.ts';
import { countPending } from './queries.ts';
import { createSender } from './sender.ts';
import { loadWebhookSigner } from './signature.ts';

export interface WebhookServiceOptions {
  config: WebhookConfig;
  store: Store;
  ids: Ids;
  /** Returns ms since the epoch. */
  now: () => number;
  repeats: Repeats;
  operations: { createWebhooks: Operation<CreateWebhookInput, OnceOutput> };
  /** The file with the coordinator's signing key, from which the key of deliveries follows. */
  signingKey: string;
}

export interface WebhookService {
  client: ClientWebhooks;
  deliverer: Deliverer;
  events: DeliveryEvents;
  /** The public key of deliveries, as `whpk_…`. */
  publicKey: string;
  /** Resolves with the number of deliveries that are pending, up to a limit. */
  pending(): Promise<number>;
  deliveryTask(): Task;
  close(): void;
}

export function createWebhookService(options: WebhookServiceOptions): WebhookService {
  const { config, store, now } = options;
  const names = createNameResolver(createAddressPolicy(config.webhookAllow), config.webhookDns);
  const timeoutMs = config.webhookTimeoutSeconds * 1000;
  const sender = createSender({ names, timeoutMs, now });
  const signer = loadWebhookSigner(options.signingKey);
  const { report, ...events } = createDeliveryEvents(store);
  const wakeUp = createWakeUp();
  const deliverer = createDeliverer({
    ...{ store, sender, signer, now, report },
    limits: {
      concurrency: config.webhookConcurrency,
      perWebhook: config.webhookConcurrencyPerReceiver,
      timeoutMs,
    },
    random: Math.random,
    onMore: wakeUp.now,
  });
  return {
    client: createClientWebhooks({ ...options, names }),
    deliverer,
    events,
    publicKey: signer.publicKey,
    pending: () => countPending(store.read),
    deliveryTask: () => createDeliveryTask(deliverer, wakeUp, store),
    close() {
      void sender.close();
    },
  };
}
