import { EarningsRow, LIMITS, ListEarnings, ListUsage, UsageRow } from '@aitbc/protocol';
import { type Guards, principalOf } from '../http/authentication.ts';
import { linkAfter } from '../http/pages.ts';
import { reportAnswer, sendReport } from '../http/reports.ts';
import { type App, answers, keyed } from '../http/routes.ts';
import type { Reports } from './reports.ts';

const FORMATS = 'With `Accept: text/csv` or `application/x-ndjson` in those formats.';

export function usageRoutes(app: App, { reports, guards }: { reports: Reports; guards: Guards }): void {
  app.get(
    '/v1/usage',
    {
      config: { costly: 'read' },
      onRequest: guards.account,
      schema: {
        operationId: 'getUsage',
        summary: 'Sum up the jobs, tokens and credits of your account by day, key and model',
        description: FORMATS,
        tags: ['accounts'],
        security: keyed,
        querystring: ListUsage,
        response: answers({ 200: reportAnswer(UsageRow) }, 400, 401, 403),
      },
    },
    async (request, reply) => {
      const { limit = LIMITS.reportPageSize, key, model, ...query } = request.query;
      const page = await reports.usage(principalOf(request), { ...query, limit, only: { key, model } });
      linkAfter(request, reply, page.next);
      return sendReport(request, reply, page.rows, page.columns);
    },
  );

  app.get(
    '/v1/earnings',
    {
      config: { costly: 'read' },
      onRequest: guards.account,
      schema: {
        operationId: 'getEarnings',
        summary: 'Sum up what miners earned for your account by day, miner and model',
        description: FORMATS,
        tags: ['accounts'],
        security: keyed,
        querystring: ListEarnings,
        response: answers({ 200: reportAnswer(EarningsRow) }, 400, 401, 403),
      },
    },
    async (request, reply) => {
      const { limit = LIMITS.reportPageSize, miner, model, ...query } = request.query;
      const page = await reports.earnings(principalOf(request), { ...query, limit, only: { miner, model } });
      linkAfter(request, reply, page.next);
      return sendReport(request, reply, page.rows, page.columns);
    },
  );
}
