import { defineModule } from '../../define-module.ts';
import { schedulingOptions } from './options.ts';
import { countQueues } from './queue-counters.ts';

export const scheduling = defineModule({
  name: 'scheduling',
  options: schedulingOptions,
  subscribes: { 'job.changed': countQueues },
  async create({ store, closing }) {
    const { createWaits } = await import('./waiting.ts');
    const waits = createWaits();
    store.onCommit(waits.apply);
    closing.addEventListener('abort', waits.close);
    return waits;
  },
});
