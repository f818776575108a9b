import { defineModule } from '../define-module.ts';
import { maintenanceOptions } from '../jobs/maintenance/options.ts';
import { limits } from '../limits/module.ts';
import { runStep } from '../store/store.ts';
import { clearFiles } from './clear-files.ts';
import { fileOptions } from './options.ts';
import { addPart, completeUpload, removeFile } from './upload.ts';

export const files = defineModule({
  name: 'files',
  uses: [limits],
  reads: maintenanceOptions,
  options: fileOptions,
  idPrefix: 'file',
  operations: () => ({ addPart, wholeFile: completeUpload, removeFile, clearFiles }),
  async create({ config, store, ids, services: { limits } }) {
    const { createClientFiles } = await import('./files.ts');
    return createClientFiles({ config, store, ids, limits });
  },
  api: 'openai',
  async routes(app, { config, service: files, guards }) {
    const { fileRoutes } = await import('./routes.ts');
    const bodyLimits = { idleSeconds: config.bodySeconds, totalSeconds: config.uploadSeconds };
    await fileRoutes(app, { files, guards, bodyLimits });
  },
  tasks: ({ config, store }) => [
    {
      name: clearFiles.name,
      everyMs: config.sweepSeconds * 1000,
      rest: 4,
      writes: true,
      step: () => runStep(store, clearFiles),
    },
  ],
});
