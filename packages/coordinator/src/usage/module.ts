import { accounts } from '../accounts/module.ts';
import { defineModule } from '../define-module.ts';
import { runStep } from '../store/store.ts';
import { countUsage } from './count-usage.ts';
import { eraseUsage } from './erase-usage.ts';
import { usageOptions } from './options.ts';

const HOUR_MS = 3600 * 1000;

export const usage = defineModule({
  name: 'usage',
  uses: [accounts],
  options: usageOptions,
  operations: ({ config }) => ({ eraseUsage: eraseUsage(config.usageDays) }),
  subscribes: { 'job.changed': countUsage },
  async create({ store, now }) {
    const { createReports } = await import('./reports.ts');
    return createReports({ store, now });
  },
  async routes(app, { service: reports, guards }) {
    const { usageRoutes } = await import('./routes.ts');
    usageRoutes(app, { reports, guards });
  },
  tasks: ({ store, operations: { eraseUsage } }) => [
    { name: eraseUsage.name, everyMs: HOUR_MS, rest: 4, step: () => runStep(store, eraseUsage) },
  ],
});
