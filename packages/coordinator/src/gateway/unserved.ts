import type { App } from '../http/routes.ts';
import { OpenAiError } from './errors.ts';

/** What OpenAI's API has besides, as far as applications call it. */
const PATHS = [
  ...[
    '/v1/responses',
    '/v1/responses/*',
    '/v1/conversations',
    '/v1/moderations',
    '/v1/images/*',
    '/v1/audio/*',
  ],
  ...['/v1/assistants', '/v1/threads', '/v1/threads/*', '/v1/vector_stores', '/v1/fine_tuning/*'],
];

/** Says of routes that are not there so in the shape that OpenAI's clients read: of another they tell no reason. */
export function unservedRoutes(app: App): void {
  for (const path of PATHS) {
    // Before the body is read, which may be none that is known here.
    const onRequest = async ({ method, url }: { method: string; url: string }) => {
      throw new OpenAiError(`${method} ${url.split('?')[0]} is not served here`, {
        ...{ status: 404, type: 'invalid_request_error', code: 'unknown_url' },
      });
    };
    app.all(path, { schema: { hide: true }, onRequest }, async () => {});
  }
}
