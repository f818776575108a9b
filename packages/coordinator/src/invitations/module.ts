import { accounts } from '../accounts/module.ts';
import { defineModule } from '../define-module.ts';
import { limits } from '../limits/module.ts';
import { createInvitation, redeemInvitation, revokeInvitation } from './operations.ts';
import { invitationOptions } from './options.ts';

export const invitations = defineModule({
  name: 'invitations',
  uses: [accounts, limits],
  options: invitationOptions,
  idPrefix: 'invite',
  operations: () => ({ createInvitation, revokeInvitation, redeemInvitation }),
  async create({ config, store, now, ids, services: { accounts } }) {
    const { createInvitations } = await import('./invitations.ts');
    const { createAllowance } = await import('../limits/allowances.ts');
    const joins = createAllowance({ name: 'joins', points: config.joinsPerMinute, windowSeconds: 60, store });
    const tiers = Object.keys(config.tiers);
    const { apiKeys, repeats } = accounts;
    return createInvitations({ store, now, ids, tiers, apiKeys, repeats, joins });
  },
  async routes(app, { service: invitations, guards }) {
    const { invitationRoutes } = await import('./routes.ts');
    invitationRoutes(app, { invitations, guards });
  },
});
