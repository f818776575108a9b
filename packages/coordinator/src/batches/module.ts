import { accounts } from '../accounts/module.ts';
import { defineModule } from '../define-module.ts';
import { files } from '../files/module.ts';
import { leases } from '../jobs/leases/module.ts';
import { maintenance } from '../jobs/maintenance/module.ts';
import { submitting } from '../jobs/submitting/module.ts';
import { limits } from '../limits/module.ts';
import { submitPages, writePages } from './page-operations.ts';
import { countProgress } from './progress.ts';
import { beginBatches, cancelBatches, createBatches, expireBatches, finalizeBatches } from './stages.ts';

const DAY_MS = 24 * 3600 * 1000;

export const batches = defineModule({
  name: 'batches',
  uses: [accounts, limits, leases, submitting, maintenance, files],
  idPrefix: 'batch',
  operations: ({ config, operations }) => ({
    ...{ createBatches, beginBatches, cancelBatches, expireBatches, finalizeBatches },
    submitPages: submitPages(operations.submitJobs),
    writePages: writePages({ keepMs: config.fileDays * DAY_MS }),
  }),
  subscribes: { 'job.changed': countProgress },
  async create({ config, store, ids, now, operations, services: { submitting: jobs, limits } }) {
    const { createClientBatches } = await import('./client-batches.ts');
    const { createBatchWork } = await import('./work.ts');
    return {
      client: createClientBatches({ config, store, ids }),
      work: createBatchWork({ config, store, ids, now, jobs, limits, operations }),
    };
  },
  api: 'openai',
  async routes(app, { service, guards }) {
    const { batchRoutes } = await import('./routes.ts');
    batchRoutes(app, { batches: service.client, guards });
  },
  tasks: ({ config, service }) => [
    { name: 'batches', everyMs: config.sweepSeconds * 1000, rest: 1, step: service.work.step },
  ],
});
