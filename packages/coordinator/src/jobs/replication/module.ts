import { defineModule } from '../../define-module.ts';
import { miners } from '../../miners/module.ts';
import { followRuns } from './follow-runs.ts';
import { replicationOptions } from './options.ts';

export const replication = defineModule({
  name: 'replication',
  uses: [miners],
  options: replicationOptions,
  subscribes: { 'job.changed': followRuns },
  async create({ config, ids, services: { miners } }) {
    const { createSpotCheckDraw } = await import('./draw-spot-check.ts');
    return { drawSpotCheck: createSpotCheckDraw(config.spotCheck, ids, miners.directory) };
  },
});
