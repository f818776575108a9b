import { defineModule } from '../../define-module.ts';
import { schedulingOptions } from './options.ts';
import { countQueues } from './queue-counters.ts';

const LOOK_AGAIN_MS = 5_000;

export const scheduling = defineModule({
  name: 'scheduling',
  options: schedulingOptions,
  subscribes: { 'job.changed': countQueues },
  async create({ config, store, now, closing }) {
    const { createWaits } = await import('./waiting.ts');
    const { wakeForStuckJobs } = await import('./stuck-queues.ts');
    const { createPrefixes } = await import('./prefixes.ts');
    const waits = createWaits();
    const prefixes = createPrefixes(now, config.prefixSeconds * 1000);
    store.onCommit(waits.apply);
    store.onCommit(prefixes.apply);
    closing.addEventListener('abort', waits.close);
    return Object.assign(waits, {
      prefixes,
      wakeForStuckJobs: () => wakeForStuckJobs(store, waits, now() - LOOK_AGAIN_MS),
    });
  },
  tasks({ service }) {
    const step = async () => {
      await service.wakeForStuckJobs();
      return false;
    };
    return [{ name: 'scheduling.wake', everyMs: LOOK_AGAIN_MS, rest: 0, step }];
  },
});
