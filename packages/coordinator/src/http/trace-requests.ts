import { formatTraceparent, isSampled, parseTraceparent, type Tracing } from '@aitbc/tracing';
import type { FastifyInstance, FastifyRequest } from 'fastify';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Requests of this route begin a trace where their caller has none. */
    beginsTrace?: true;
  }
  interface FastifyRequest {
    /** The `traceparent` that the request's jobs belong to, once it was asked for or traces are exported. */
    traceparent: string | null;
  }
}

/**
 * Records a span for each request that belongs to a trace or begins one. Must be called before the hooks that may answer
 * requests. Where no traces are exported it adds nothing.
 */
export function traceRequests(app: FastifyInstance, tracing: Tracing | undefined): void {
  app.decorateRequest('traceparent', null);
  if (!tracing) return;
  app.addHook('onRequest', (request, { raw }, done) => {
    const parent = parseTraceparent(request.headers.traceparent);
    const { url: route = 'unknown', config } = request.routeOptions;
    if (!parent && !config.beginsTrace) return done();
    const span = tracing.start({
      ...{ name: `${request.method} ${route}`, kind: 'server', parent },
      attributes: { 'http.request.method': request.method, 'http.route': route },
    });
    if (parent || isSampled(span.context)) request.traceparent = formatTraceparent(span.context);
    raw.once('close', () => {
      const { statusCode, headersSent } = raw;
      span.end({
        ...(headersSent && { attributes: { 'http.response.status_code': statusCode } }),
        error: headersSent ? (statusCode >= 500 ? String(statusCode) : undefined) : 'aborted',
      });
    });
    done();
  });
}

/** Returns the `traceparent` for jobs of a request: of its own span, or of its caller where no traces are exported. */
export function traceparentOf({ traceparent, headers }: FastifyRequest): string | undefined {
  if (traceparent !== null) return traceparent;
  const context = parseTraceparent(headers.traceparent);
  return context && formatTraceparent(context);
}
