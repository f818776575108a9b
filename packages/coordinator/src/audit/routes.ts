import { AuditEntry, LIMITS, ListAuditEntries } from '@aitbc/protocol';
import type { Guards } from '../http/authentication.ts';
import { linked, readPlace } from '../http/pages.ts';
import { reportAnswer, sendReport } from '../http/reports.ts';
import { type App, answers, keyed } from '../http/routes.ts';
import type { AuditLogService } from './audit-log.ts';

const COLUMNS = [
  ...(['id', 'at', 'action', 'target', 'source', 'key_id', 'account', 'origin'] as const),
  ...(['request_id', 'details'] as const),
];

export function auditRoutes(
  app: App,
  { auditLog, guards }: { auditLog: AuditLogService; guards: Guards },
): void {
  app.get(
    '/v1/audit-log',
    {
      config: { costly: 'read' },
      onRequest: guards.admin,
      schema: {
        operationId: 'listAuditLog',
        summary: 'List administrative actions, newest first, for administrators',
        description: 'With `Accept: text/csv` or `application/x-ndjson` in those formats.',
        tags: ['accounts'],
        security: keyed,
        querystring: ListAuditEntries,
        response: answers({ 200: reportAnswer(AuditEntry) }, 400, 401, 403),
      },
    },
    async (request, reply) => {
      const { limit = LIMITS.defaultPageSize, cursor, action, target } = request.query;
      const page = await auditLog.list({ limit, before: readPlace(cursor), action, target });
      return sendReport(request, reply, linked(request, reply, page), COLUMNS);
    },
  );
}
