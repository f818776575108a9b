import { defineModule } from '../define-module.ts';
import { leaseOptions } from '../jobs/leases/options.ts';
import { countForMiners } from './job-counters.ts';
import { minerOptions } from './options.ts';
import { registerMiners } from './register.ts';
import { reputationPolicy } from './reputation.ts';
import { reinstateMiners, resumeMiners, suspendMiners, withdrawMiners } from './withdraw.ts';

export const miners = defineModule({
  name: 'miners',
  reads: leaseOptions,
  options: minerOptions,
  operations: ({ config }) => ({
    registerMiners: registerMiners({ maxPerOwner: config.maxMinersPerOwner }),
    withdrawMiners,
    resumeMiners,
    suspendMiners,
    reinstateMiners,
  }),
  subscribes: { 'job.changed': countForMiners },
  async create({ config, store, now, issuer: { coordinatorId }, closing, operations }) {
    const { openDirectory } = await import('./directory-feed.ts');
    const { createMiners } = await import('./miners.ts');
    const { createModelDirectory } = await import('./models.ts');
    const memoryMs = config.modelMemorySeconds * 1000;
    const directory = await openDirectory({ store, now, memoryMs, closing });
    return {
      directory,
      models: createModelDirectory({ store, directory, now, memoryMs }),
      registry: createMiners({
        ...{ config, store, coordinatorId, now, directory, operations },
        reputation: reputationPolicy(config),
      }),
    };
  },
  async routes(app, { service, guards }) {
    const { minerRoutes } = await import('./routes.ts');
    minerRoutes(app, { miners: service.registry, guards });
  },
});
