import { defineModule } from '../../module.ts';
import { schedulingOptions } from './options.ts';

export const scheduling = defineModule({
  name: 'scheduling',
  options: schedulingOptions,
  async create({ store, closing }) {
    const { createWaits } = await import('./waiting.ts');
    const waits = createWaits();
    store.onCommit(waits.apply);
    closing.addEventListener('abort', waits.close);
    return waits;
  },
});
