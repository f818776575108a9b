import { defineModule } from '../define-module.ts';

/** The web app: files that are built from `packages/web`. */
export const web = defineModule({
  name: 'web',
  async create({ open }) {
    const { readWebFiles } = await import('./web-files.ts');
    return await readWebFiles({ open });
  },
  async routes(app, { service: files }) {
    const { webRoutes } = await import('./routes.ts');
    await webRoutes(app, files);
  },
});
