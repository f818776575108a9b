import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { ErrorInfo } from '../errors.ts';
import type { RequestObserver } from '../request-observer.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** When the request arrived, by `performance.now()`. Fastify measures nothing where it does not log requests. */
    arrivedAt: number;
    /** The error that the request was answered with. */
    failure?: ErrorInfo;
  }
}

/** Must be called before the hooks that may answer requests. */
export function observeRequests(app: FastifyInstance, observer: RequestObserver): void {
  app.addHook('onRequest', (request, { raw }, done) => {
    request.arrivedAt = performance.now();
    observer.began();
    // Unlike Fastify's hooks, this event comes exactly once for each request, also where the caller leaves.
    raw.on('close', () => {
      observer.ended({
        method: METHODS.has(request.method) ? request.method : 'other',
        route: routeOf(request),
        status: raw.headersSent ? classOf(raw.statusCode) : 'aborted',
        seconds: (performance.now() - request.arrivedAt) / 1000,
        limit: request.failure?.limit,
      });
    });
    done();
  });
}

const METHODS = new Set(['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS']);

const CLASSES = ['0xx', '1xx', '2xx', '3xx', '4xx', '5xx'];
const classOf = (status: number) => CLASSES[Math.floor(status / 100)] ?? 'other';

const routeOf = ({ is404, routeOptions: { url = 'unknown' } }: FastifyRequest) => (is404 ? 'unknown' : url);
