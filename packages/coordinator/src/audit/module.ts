import { defineModule } from '../define-module.ts';

export const auditLog = defineModule({
  name: 'auditLog',
  async create({ store }) {
    const { createAuditLog } = await import('./audit-log.ts');
    return createAuditLog(store);
  },
  async routes(app, { service: auditLog, guards }) {
    const { auditRoutes } = await import('./routes.ts');
    auditRoutes(app, { auditLog, guards });
  },
});
