import { Health, type HealthComponent } from '@aitbc/protocol';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { fail } from '../errors.ts';
import type { Readiness, ReadinessReport } from '../readiness.ts';
import type { Guards } from './authentication.ts';
import { type App, answers } from './routes.ts';

const tags = ['network'];

export interface HealthParts {
  readiness: Readiness;
  guards: Guards;
  version: string;
}

export function healthRoutes(app: App, { readiness, guards, version }: HealthParts): void {
  app.get(
    '/health',
    {
      schema: {
        operationId: 'health',
        summary: 'Whether the process answers',
        tags,
        response: answers({ 200: Health }),
      },
    },
    async () => ({ status: 'ok' as const, version }),
  );
  app.get(
    '/health/ready',
    {
      schema: {
        operationId: 'ready',
        summary: 'Whether the coordinator can store and publish. Administrators see each component',
        tags,
        response: answers({ 200: Health }, 503),
      },
    },
    async (request, reply) => {
      const report = await readiness.report();
      const details = (await isAdministrator(request, reply, guards)) && { components: componentsOf(report) };
      const [first] = report.filter(({ fault }) => fault !== undefined);
      if (!first) return { status: 'ok' as const, version, ...details };
      const detail = `The coordinator can't serve as it should: ${first.component}`;
      return fail('SYSTEM_OVERLOADED', detail, { retryAfter: 1, ...details });
    },
  );
}

function componentsOf(report: ReadinessReport): Record<string, HealthComponent> {
  return Object.fromEntries(
    report.map(({ component, fault, warning }) => {
      if (fault !== undefined) return [component, { status: 'failing', detail: fault }];
      if (warning !== undefined) return [component, { status: 'warning', detail: warning }];
      return [component, { status: 'ok' }];
    }),
  );
}

/** Never rejects: probes send no key or a useless one, and keys can't be looked up while the store is away. */
async function isAdministrator(
  request: FastifyRequest,
  reply: FastifyReply,
  guards: Guards,
): Promise<boolean> {
  try {
    await guards.public(request, reply);
    return request.principal?.scopes.has('admin') ?? false;
  } catch {
    return false;
  }
}
