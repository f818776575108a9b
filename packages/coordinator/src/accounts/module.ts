import { defineModule } from '../define-module.ts';
import { limitOptions } from '../limits/options.ts';
import { receiptOptions } from '../receipts/options.ts';
import { signingKeyPath } from '../receipts/signing-key.ts';
import { createAuthenticator } from './check-key.ts';
import { countForAccounts, countForBudgets } from './job-counters.ts';
import { changeKeys, insertKey, openAccount, revokeKeys, rotateKeys } from './key-operations.ts';
import { accountOptions } from './options.ts';

const countJobs: typeof countForAccounts = async (changes, context) => {
  await countForAccounts(changes, context);
  await countForBudgets(changes, context);
};

export const accounts = defineModule({
  name: 'accounts',
  reads: { ...limitOptions, ...receiptOptions },
  options: accountOptions,
  idPrefix: 'key',
  operations: () => ({ openAccount, insertKey, changeKeys, rotateKeys, revokeKeys }),
  subscribes: { 'job.changed': countJobs },
  async create({ config, store, now, ids, open, issuer: { coordinatorId } }) {
    const { createApiKeys } = await import('./api-keys.ts');
    const { createRepeats } = await import('./repeats.ts');
    const cacheMs = config.keyCacheSeconds * 1000;
    const repeats = createRepeats(signingKeyPath(config), config.idempotencySeconds);
    return {
      repeats,
      ...(await createAuthenticator({ store, now, open, coordinatorId, cacheMs })),
      apiKeys: createApiKeys({ store, ids, now, tiers: Object.keys(config.tiers), repeats }),
    };
  },
  async routes(app, { config, store, service: { apiKeys }, guards }) {
    const { accountRoutes } = await import('./routes.ts');
    const { apiKeyRoutes } = await import('./key-routes.ts');
    const billing = config.billing === 'prepaid' ? 'prepaid' : 'postpaid';
    accountRoutes(app, { store, guards, billing });
    apiKeyRoutes(app, { apiKeys, guards });
  },
});
