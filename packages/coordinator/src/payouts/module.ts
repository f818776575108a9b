import { accounts } from '../accounts/module.ts';
import { defineModule } from '../define-module.ts';
import { ledger } from '../ledger/module.ts';
import { createPayouts } from './create-payouts.ts';
import { updatePayouts } from './update-payouts.ts';

export const payouts = defineModule({
  name: 'payouts',
  uses: [accounts, ledger],
  idPrefix: ['payout', 'update'],
  operations: ({ issuer }) => ({
    createPayouts: createPayouts(issuer),
    updatePayouts: updatePayouts(issuer),
  }),
  async create({ config, store, ids, operations, services: { ledger }, issuer: { coordinatorId } }) {
    const { createPayoutService } = await import('./payouts.ts');
    return createPayoutService({ config, store, ids, ledger, operations, coordinatorId });
  },
  async routes(app, { service: payouts, guards }) {
    const { payoutRoutes } = await import('./routes.ts');
    payoutRoutes(app, { payouts, guards });
  },
});
