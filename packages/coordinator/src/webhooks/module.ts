import { accounts } from '../accounts/module.ts';
import { defineModule } from '../define-module.ts';
import { maintenanceOptions } from '../jobs/maintenance/options.ts';
import { ledger } from '../ledger/module.ts';
import { receiptOptions } from '../receipts/options.ts';
import { signingKeyPath } from '../receipts/signing-key.ts';
import { runStep } from '../store/store.ts';
import { followBatches, followJobs, followMiners } from './follow-changes.ts';
import { followReceipts } from './follow-receipts.ts';
import { leaseDeliveries } from './lease.ts';
import {
  accountSecrets,
  changeWebhooks,
  createWebhooks,
  deleteWebhooks,
  rotateSecrets,
  testWebhooks,
} from './manage.ts';
import { webhookOptions } from './options.ts';
import { recordAttempts } from './record.ts';
import { redeliver } from './redeliver.ts';
import { eraseDeliveries } from './retention.ts';

const DAY_MS = 24 * 3600 * 1000;

/** How often published receipts and old deliveries are looked for. */
const RECEIPTS_EVERY_MS = 1_000;
const ERASE_EVERY_MS = 60_000;

export const webhooks = defineModule({
  name: 'webhooks',
  uses: [accounts, ledger],
  reads: { ...receiptOptions, ...maintenanceOptions },
  options: webhookOptions,
  idPrefix: ['hook', 'test'],
  operations: ({ config }) => ({
    createWebhooks: createWebhooks({ maxPerAccount: config.webhooksPerAccount }),
    ...{ changeWebhooks, deleteWebhooks, rotateSecrets, testWebhooks, accountSecrets },
    ...{ redeliver, leaseDeliveries, recordAttempts, followReceipts },
    eraseDeliveries: eraseDeliveries({
      keepMs: config.webhookKeepDays * DAY_MS,
      retentionMs: config.retentionDays * DAY_MS,
    }),
  }),
  subscribes: {
    'job.changed': followJobs,
    'batch.ended': followBatches,
    'miner.changed': followMiners,
  },
  async create({ config, store, ids, now, operations, services: { accounts } }) {
    const { createWebhookService } = await import('./service.ts');
    const { repeats } = accounts;
    const signingKey = signingKeyPath(config);
    return createWebhookService({ config, store, ids, now, repeats, operations, signingKey });
  },
  async routes(app, { service: { client, publicKey }, guards }) {
    const { webhookRoutes } = await import('./routes.ts');
    webhookRoutes(app, { webhooks: client, publicKey, guards });
  },
  tasks({ service, store, operations, log }) {
    service.events.onDisabled(({ webhookId: webhook_id, accountId: account_id, reason }) =>
      log.warn(
        { webhook_id, account_id, reason },
        'a webhook was disabled: its owner gets no more events until it is resumed',
      ),
    );
    return [
      service.deliveryTask(),
      {
        name: followReceipts.name,
        everyMs: RECEIPTS_EVERY_MS,
        rest: 1,
        step: () => runStep(store, followReceipts),
      },
      {
        name: operations.eraseDeliveries.name,
        everyMs: ERASE_EVERY_MS,
        rest: 4,
        step: () => runStep(store, operations.eraseDeliveries),
      },
    ];
  },
  close: service => service.close(),
});
