import { defineModule } from '../../define-module.ts';
import { miners } from '../../miners/module.ts';
import { reputationPolicy } from '../../miners/reputation.ts';
import { runStep } from '../../store/store.ts';
import { leasePolicy } from '../lease.ts';
import { leases } from '../leases/module.ts';
import { streamOptions } from '../streaming/options.ts';
import { createTimeKeeper, keepTime } from './elapsed-time.ts';
import { sweepJobs } from './expiry.ts';
import { maintenanceOptions } from './options.ts';
import { eraseTexts } from './retention.ts';

const DAY_MS = 24 * 3600 * 1000;

export const maintenance = defineModule({
  name: 'maintenance',
  uses: [miners, leases],
  reads: streamOptions,
  options: maintenanceOptions,
  operations({ config }) {
    const policy = { ...leasePolicy(config), reputation: reputationPolicy(config) };
    const absenceMs = Math.max(5_000, 5 * config.sweepSeconds * 1000);
    const keeper = createTimeKeeper({ ...policy, absenceMs });
    return {
      keepTime: keepTime(keeper),
      sweepJobs: sweepJobs({ ...policy, minerTimeoutMs: config.minerTimeoutSeconds * 1000, keeper }),
      eraseTexts: eraseTexts({
        retentionMs: config.retentionDays * DAY_MS,
        streamKeepMs: config.streamKeepSeconds * 1000,
      }),
    };
  },
  async create({ store, now, uptime, readiness, operations }) {
    const { createClockWatch } = await import('../../clock-watch.ts');
    const clockWatch = createClockWatch(now, uptime);
    readiness.add(clockWatch);
    store.onCommit(events => {
      for (const event of events) if (event.type === 'clock.set') clockWatch.noteSettled(event.setByMs);
    });
    return {
      /** Keeps time, and returns what happened since the last sweep. */
      keepTime: () => store.write(operations.keepTime, undefined),
      /** Runs a sweep in one batch that begins by keeping time, because completions in it are billed by that. */
      async sweep(): Promise<boolean> {
        const [, more] = await Promise.all([
          store.write(operations.keepTime, undefined),
          runStep(store, operations.sweepJobs),
        ]);
        clockWatch.noteSettled(0);
        return more;
      },
      erase: () => runStep(store, operations.eraseTexts),
    };
  },
  tasks({ config, service, operations }) {
    const everyMs = config.sweepSeconds * 1000;
    const writes = true as const;
    return [
      { name: operations.sweepJobs.name, writes, step: service.sweep, everyMs, rest: 0 },
      // Nobody waits for erasure, so most of the time is left to other writes.
      { name: operations.eraseTexts.name, writes, step: service.erase, everyMs, rest: 4 },
    ];
  },
});
