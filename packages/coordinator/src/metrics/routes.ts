import { Type } from 'typebox';
import type { Guards } from '../http/authentication.ts';
import { type App, answers, keyed } from '../http/routes.ts';
import type { Metrics } from './metrics.ts';

const METRICS_TEXT = {
  description: 'The metrics in the text format of Prometheus',
  content: { 'text/plain': { schema: Type.String() } },
};

export function metricsRoutes(app: App, { metrics, guards }: { metrics: Metrics; guards: Guards }): void {
  app.get(
    '/metrics',
    {
      onRequest: guards.metrics,
      schema: {
        operationId: 'metrics',
        summary: 'What the coordinator has counted and measured, for Prometheus',
        tags: ['network'],
        security: keyed,
        response: answers({ 200: METRICS_TEXT }, 401, 403),
      },
    },
    async (_request, reply) => reply.type(metrics.contentType).send(await metrics.text()),
  );
}
