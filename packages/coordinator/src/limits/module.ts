import { defineModule } from '../define-module.ts';
import { limitOptions } from './options.ts';

export const limits = defineModule({
  name: 'limits',
  options: limitOptions,
  async create({ config, store, open }) {
    const { createLimits } = await import('./limits.ts');
    return createLimits({
      store,
      tiers: config.tiers,
      enabled: config.limits === 'on' || (config.limits === 'auto' && !open),
      overloadMs: config.overloadSeconds * 1000,
    });
  },
  close: limits => limits.close(),
});
