import { defineModule } from '../define-module.ts';
import { noteTracedJobs } from './note-traced-jobs.ts';
import { tracingOptions } from './options.ts';

export const tracing = defineModule({
  name: 'tracing',
  options: tracingOptions,
  subscribes: { 'job.changed': noteTracedJobs },
  async create({ config, store }) {
    const { createJobTraces } = await import('./job-traces.ts');
    return await createJobTraces({ endpoint: config.otlpEndpoint, store });
  },
  close: traces => traces.close(),
});
