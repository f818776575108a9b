import { ConfiguredOption } from '@aitbc/protocol';
import { Type } from 'typebox';
import type { Guards } from './authentication.ts';
import { type App, answers, keyed } from './routes.ts';

/** Shows administrators the options as they are, without secrets. */
export function configurationRoute(
  app: App,
  { configured, guards }: { configured: () => ConfiguredOption[]; guards: Guards },
): void {
  app.get(
    '/v1/operator/configuration',
    {
      onRequest: guards.admin,
      schema: {
        operationId: 'getConfiguration',
        summary: 'List the options as this coordinator runs, secrets hidden, for administrators',
        tags: ['operator'],
        security: keyed,
        response: answers({ 200: Type.Array(ConfiguredOption) }, 401, 403),
      },
    },
    async () => configured(),
  );
}
