import { accounts } from '../accounts/module.ts';
import { defineModule } from '../define-module.ts';
import { ledger } from '../ledger/module.ts';
import { grantCredits } from './grant-credits.ts';

export const grants = defineModule({
  name: 'grants',
  uses: [accounts, ledger],
  idPrefix: 'grant',
  operations: ({ issuer }) => ({ grantCredits: grantCredits(issuer) }),
  async create({ config, store, ids, operations, services: { ledger } }) {
    const { createGrantService } = await import('./grants.ts');
    return createGrantService({ config, store, ids, ledger, operations });
  },
  async routes(app, { service: grants, guards }) {
    const { grantRoutes } = await import('./routes.ts');
    grantRoutes(app, { grants, guards });
  },
});
