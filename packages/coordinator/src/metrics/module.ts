import { defineModule } from '../define-module.ts';
import { ledger } from '../ledger/module.ts';
import { miners } from '../miners/module.ts';
import { webhooks } from '../webhooks/module.ts';
import { countForMetrics } from './job-counters.ts';
import { metricsOptions } from './options.ts';

export const metrics = defineModule({
  name: 'metrics',
  uses: [ledger, miners, webhooks],
  options: metricsOptions,
  subscribes: { 'job.changed': countForMetrics },
  async create({ config, store, now, readiness, services }) {
    const { createMetrics } = await import('./metrics.ts');
    const { ledger, miners, webhooks } = services;
    const { directory } = miners;
    const metrics = createMetrics({ store, data: config.data, directory, ledger, webhooks, readiness, now });
    if (config.metricsListen === undefined) return { ...metrics, listener: undefined };
    const { listenForScrapes } = await import('./listener.ts');
    return { ...metrics, listener: await listenForScrapes(config.metricsListen, metrics) };
  },
  async routes(app, { service: metrics, guards }) {
    const { metricsRoutes } = await import('./routes.ts');
    metricsRoutes(app, { metrics, guards });
  },
  close: ({ listener }) => listener?.close(),
});
