import { Health } from '@aitbc/protocol';
import { refuse } from '../store/operation.ts';
import type { Store } from '../store/store.ts';
import { StoreUnavailable } from '../store/unavailable.ts';
import { type App, answers } from './routes.ts';

const tags = ['network'];

export function healthRoutes(app: App, { store, version }: { store: Store; version: string }): void {
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
        summary: 'Whether it can serve: the store answers',
        tags,
        response: answers({ 200: Health }, 503),
      },
    },
    async request => {
      try {
        await store.ping();
      } catch (error) {
        // Asked for every few seconds, and the sweeper has said so already.
        if (!(error instanceof StoreUnavailable))
          request.log.warn({ err: error }, 'the store does not answer');
        refuse('SYSTEM_OVERLOADED', 'The store does not answer', { retryAfter: 1 });
      }
      return { status: 'ok' as const, version };
    },
  );
}
