import { defineModule } from '../../define-module.ts';
import { limits } from '../../limits/module.ts';
import { miners } from '../../miners/module.ts';
import { reputationPolicy } from '../../miners/reputation.ts';
import { notices } from '../../notices/module.ts';
import { receipts } from '../../receipts/module.ts';
import { pricingOf, rateOf } from '../../receipts/pricing.ts';
import { tracing } from '../../tracing/module.ts';
import { leasePolicy } from '../lease.ts';
import { scheduling } from '../scheduling/module.ts';
import { createYielding } from '../scheduling/priority-share.ts';
import { submissionOptions } from '../submitting/options.ts';
import { createStopwatch } from './billed-time.ts';
import { cancelJobs } from './cancel.ts';
import { takeJobs } from './claim.ts';
import { claimJob } from './claim-by-id.ts';
import { completeJobs } from './complete.ts';
import { giveUpJobs } from './fail.ts';
import { beatMiners, releaseAll } from './heartbeat.ts';
import { leaseOptions } from './options.ts';

export const leases = defineModule({
  name: 'leases',
  uses: [tracing, limits, receipts, miners, notices, scheduling],
  reads: submissionOptions,
  options: leaseOptions,
  operations({ config, issuer }) {
    const mining = { ...leasePolicy(config), reputation: reputationPolicy(config) };
    const timing = { ...leasePolicy(config), rateOf: rateOf(config), stopwatch: createStopwatch() };
    const settling = { ...issuer, ...timing, pricingOf: (model: string) => pricingOf(model, config) };
    const claiming = {
      ...{ ...mining, ...timing },
      offerMs: config.offerSeconds * 1000,
      requestBytes: config.promptLimit + config.mediaLimit,
      loadedPreferenceMs: config.preferLoadedSeconds * 1000,
      yieldsTurn: createYielding(config.lowPriorityShare),
      notesPrefixes: config.prefixSeconds > 0,
      slowStart: config.mode === 'keyed',
      established: new Set<number>(),
    };
    return {
      takeJobs: takeJobs(claiming),
      claimJob: claimJob(claiming),
      completeJobs: completeJobs({ ...settling, ...mining }),
      giveUpJobs: giveUpJobs(mining),
      cancelJobs: cancelJobs(settling),
      beatMiners: beatMiners(mining),
      releaseAll,
    };
  },
  async create({
    config,
    store,
    ids,
    issuer,
    operations,
    services: { limits, miners, scheduling, tracing },
  }) {
    const { createSpotCheckDraw } = await import('./draw-spot-check.ts');
    const { MinerJobs } = await import('./miner-jobs.ts');
    return new MinerJobs({
      ...{ config, store, ids, limits, operations },
      miners: miners.registry,
      traces: tracing,
      waits: scheduling,
      drawSpotCheck: createSpotCheckDraw(
        { share: config.spotCheck, coordinatorId: issuer.coordinatorId },
        ids,
        miners.directory,
      ),
    });
  },
  async routes(app, { service: jobs, services: { miners, notices }, guards }) {
    const { minerJobRoutes } = await import('./routes.ts');
    minerJobRoutes(app, { jobs, miners: miners.registry, notices, guards });
  },
});
