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
    raw.once('close', () => {
      observer.ended({
        method: METHODS.has(request.method) ? request.method : 'other',
        route: routeOf(request),
        status: raw.headersSent ? `${Math.floor(raw.statusCode / 100)}xx` : 'aborted',
        seconds: (performance.now() - request.arrivedAt) / 1000,
        limit: request.failure?.limit,
      });
    });
    done();
  });
}

const METHODS = new Set(['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS']);

const routeOf = ({ is404, routeOptions: { url = 'unknown' } }: FastifyRequest) => (is404 ? 'unknown' : url);
