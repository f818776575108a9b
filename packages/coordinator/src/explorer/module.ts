import { defineModule } from '../define-module.ts';
import { streamOptions } from '../jobs/streaming/options.ts';
import { ledger } from '../ledger/module.ts';
import { miners } from '../miners/module.ts';
import { receiptOptions } from '../receipts/options.ts';
import { countJobs } from './job-counters.ts';
import { explorerOptions, SAMPLE_MS } from './options.ts';

export const explorer = defineModule({
  name: 'explorer',
  uses: [ledger, miners],
  reads: { ...streamOptions, ...receiptOptions },
  options: explorerOptions,
  subscribes: { 'job.changed': countJobs },
  async create({ config, store, now, closing, services: { ledger, miners } }) {
    const { createLedgerExplorer: createExplorer } = await import('./explorer.ts');
    const { createOverviewFeed } = await import('./overview/overview-feed.ts');
    const { createRecentRates } = await import('./overview/rates.ts');
    return {
      ledger: createExplorer({ ...{ store, ledger, now, prices: config }, miners }),
      overview: createOverviewFeed({
        ...{ store, ledger, now, closing, maxViewers: config.maxViewers },
        directory: miners.directory,
        rates: createRecentRates(),
      }),
    };
  },
  async routes(app, { config, service, guards }) {
    const { explorerRoutes } = await import('./routes.ts');
    const { overviewRoutes } = await import('./overview/overview-routes.ts');
    explorerRoutes(app, { explorer: service.ledger, guards });
    overviewRoutes(app, {
      overview: service.overview,
      guards,
      heartbeatMs: config.streamHeartbeatSeconds * 1000,
    });
  },
  tasks: ({ service }) => [
    {
      name: 'overview',
      everyMs: SAMPLE_MS,
      rest: 1,
      async step() {
        await service.overview.step();
        return false;
      },
    },
  ],
});
