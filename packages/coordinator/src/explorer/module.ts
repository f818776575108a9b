import { ledger } from '../ledger/module.ts';
import { defineModule } from '../module.ts';

export const explorer = defineModule({
  name: 'explorer',
  uses: [ledger],
  async create({ store, now, services: { ledger } }) {
    const { createExplorer } = await import('./explorer.ts');
    return createExplorer({ store, ledger, now });
  },
  async routes(app, { service: explorer, guards }) {
    const { explorerRoutes } = await import('./routes.ts');
    explorerRoutes(app, { explorer, guards });
  },
});
