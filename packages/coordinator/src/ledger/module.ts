import { defineModule } from '../define-module.ts';
import { receiptOptions } from '../receipts/options.ts';
import { addCosignatures } from './cosign.ts';
import { admitLog } from './identity.ts';
import { integrate } from './integrate.ts';
import { ledgerOptions } from './options.ts';
import { createPublishingTask } from './publishing.ts';
import { publishCheckpoint } from './store-checkpoint.ts';

export const ledger = defineModule({
  name: 'ledger',
  reads: receiptOptions,
  options: ledgerOptions,
  idPrefix: ['restore', 'opening'],
  operations: () => ({ admitLog, publishCheckpoint, addCosignatures, integrate }),
  async create({ config, store, now, issuer: { coordinatorId }, readiness }) {
    const { createLedger } = await import('./ledger.ts');
    const ledger = await createLedger({ config, store, coordinatorId, now });
    readiness.add({ component: 'ledger', check: ledger.unreadyReason });
    return ledger;
  },
  async routes(app, { service: ledger, guards }) {
    const { ledgerRoutes } = await import('./routes.ts');
    ledgerRoutes(app, { ledger, guards });
  },
  tasks: ({ service, config, log }) => [createPublishingTask(service, config.ledgerInterval * 1000, log)],
});
