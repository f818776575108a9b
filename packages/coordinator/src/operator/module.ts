import { defineModule } from '../define-module.ts';
import { explorer } from '../explorer/module.ts';
import { ledger } from '../ledger/module.ts';

/** What operators see of their coordinator. */
export const operator = defineModule({
  name: 'operator',
  uses: [ledger, explorer],
  async create({ config, store, now, readiness, services: { ledger, explorer } }) {
    const { createProblemFinder } = await import('./problems.ts');
    const { createRecentFailures } = await import('./recent-failures.ts');
    const failures = createRecentFailures(now);
    store.onCommit(events => failures.apply(events));
    const { queues } = explorer;
    return createProblemFinder({ store, data: config.data, ledger, readiness, queues, failures, now });
  },
  async routes(app, { service: problems, guards }) {
    const { operatorRoutes } = await import('./routes.ts');
    operatorRoutes(app, { problems, guards });
  },
});
