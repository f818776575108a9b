import { defineModule } from '../../define-module.ts';
import { schedulingOptions } from './options.ts';
import { countQueues } from './queue-counters.ts';

export const scheduling = defineModule({
  name: 'scheduling',
  options: schedulingOptions,
  subscribes: { 'job.changed': countQueues },
  async create({ config, store, now, closing }) {
    const { createWaits, LOOK_AGAIN_MS } = await import('./waiting.ts');
    const { wakeForStuckJobs } = await import('./stuck-queues.ts');
    const { createPrefixes } = await import('./prefixes.ts');
    const waits = createWaits();
    const prefixes = createPrefixes(now, config.prefixSeconds * 1000);
    store.onCommit(waits.apply);
    store.onCommit(prefixes.apply);
    closing.addEventListener('abort', waits.close);
    return Object.assign(waits, {
      prefixes,
      lookAgainMs: LOOK_AGAIN_MS,
      wakeForStuckJobs: () => wakeForStuckJobs(store, waits, now() - LOOK_AGAIN_MS),
    });
  },
  tasks({ service }) {
    const step = async () => {
      await service.wakeForStuckJobs();
      return false;
    };
    return [{ name: 'scheduling.wake', everyMs: service.lookAgainMs, rest: 0, step }];
  },
});
