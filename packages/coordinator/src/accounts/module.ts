import { defineModule } from '../define-module.ts';
import { createAuthenticator } from './check-key.ts';
import { countForAccounts } from './job-counters.ts';
import { insertKey, openAccount, revokeKey } from './keys.ts';
import { accountOptions } from './options.ts';

export const accounts = defineModule({
  name: 'accounts',
  options: accountOptions,
  idPrefix: 'key',
  operations: () => ({ openAccount, insertKey, revokeKey }),
  subscribes: { 'job.changed': countForAccounts },
  create: async ({ config, store, now, open, issuer: { coordinatorId } }) =>
    await createAuthenticator({ store, now, open, coordinatorId, cacheMs: config.keyCacheSeconds * 1000 }),
  async routes(app, { config, store, guards }) {
    const { accountRoutes } = await import('./routes.ts');
    const billing = config.billing === 'prepaid' ? 'prepaid' : 'postpaid';
    accountRoutes(app, { store, guards, billing });
  },
});
