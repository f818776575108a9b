import { defineModule } from '../define-module.ts';
import { streamOptions } from '../jobs/streaming/options.ts';
import { ledger } from '../ledger/module.ts';
import { miners } from '../miners/module.ts';
import { receiptOptions } from '../receipts/options.ts';
import { runStep } from '../store/store.ts';
import { countAccountDays } from './history/count-account-days.ts';
import { countMinerDays, SLOT_MS } from './history/count-miner-days.ts';
import { countJobs } from './job-counters.ts';
import { COUNT_DAYS_MS, explorerOptions, SAMPLE_MS } from './options.ts';

export const explorer = defineModule({
  name: 'explorer',
  uses: [ledger, miners],
  reads: { ...streamOptions, ...receiptOptions },
  options: explorerOptions,
  operations: () => ({ countAccountDays, countMinerDays }),
  subscribes: { 'job.changed': countJobs },
  async create({ config, store, now, closing, services: { ledger, miners } }) {
    const { createLedgerExplorer: createExplorer } = await import('./explorer.ts');
    const { createOverviewFeed } = await import('./overview/overview-feed.ts');
    const { readQueues } = await import('./overview/read-overview.ts');
    const { createRecentRates } = await import('./overview/rates.ts');
    const { createModelFirstTokens } = await import('./overview/model-first-tokens.ts');
    const { createHistory } = await import('./history/history.ts');
    const firstTokens = createModelFirstTokens();
    store.onCommit(events => firstTokens.apply(events));
    return {
      ledger: createExplorer({ ...{ store, ledger, now, prices: config, firstTokens }, miners }),
      history: createHistory(store, now),
      queues: () => readQueues(store, miners.directory),
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
    const { historyRoutes } = await import('./history/routes.ts');
    historyRoutes(app, { history: service.history, guards });
    explorerRoutes(app, { explorer: service.ledger, guards });
    overviewRoutes(app, {
      overview: service.overview,
      guards,
      heartbeatMs: config.streamHeartbeatSeconds * 1000,
    });
  },
  tasks: ({ store, service, operations: { countAccountDays, countMinerDays } }) => [
    {
      name: 'overview',
      everyMs: SAMPLE_MS,
      rest: 1,
      async step() {
        await service.overview.step();
        return false;
      },
    },
    {
      name: countAccountDays.name,
      everyMs: COUNT_DAYS_MS,
      rest: 4,
      step: async () => (await service.history.isBehind()) && (await runStep(store, countAccountDays)),
    },
    {
      name: countMinerDays.name,
      everyMs: SLOT_MS / 5,
      rest: 4,
      step: () => runStep(store, countMinerDays),
    },
  ],
});
