import { defineModule } from '../define-module.ts';
import { ledger } from '../ledger/module.ts';
import { countJobs } from './job-counters.ts';

export const explorer = defineModule({
  name: 'explorer',
  uses: [ledger],
  subscribes: { 'job.changed': countJobs },
  async create({ store, now, services: { ledger } }) {
    const { createLedgerExplorer: createExplorer } = await import('./explorer.ts');
    return createExplorer({ store, ledger, now });
  },
  async routes(app, { service: explorer, guards }) {
    const { explorerRoutes } = await import('./routes.ts');
    explorerRoutes(app, { explorer, guards });
  },
});
