import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Limits } from '../limits/limits.ts';
import type { Caller } from '../limits/turns.ts';
import { networkOf } from '../networks.ts';
import { bodyLength, mayBeLarge } from './body-limits.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** `read` is done in a turn of its caller's; so is `write`, to the end, where its body is large. */
    costly?: 'read' | 'write';
  }
  interface FastifyRequest {
    /** Ends the request's turn, see `limits/turns.ts`. */
    endTurn: (() => void) | null;
  }
}

/** The caller to which a turn belongs. */
export const callerOf = ({ principal, ip }: FastifyRequest): Caller =>
  principal?.accountId ?? networkOf(ip) ?? 'this machine';

/** Lets each caller's costly reads run one at a time, and ends a request's turn when its expensive part is over. */
export function passInTurn(app: FastifyInstance, { reading }: Pick<Limits, 'reading'>): void {
  app.decorateRequest('endTurn', null);
  const end = (request: FastifyRequest) => {
    request.endTurn?.();
    request.endTurn = null;
  };
  app.addHook('onRoute', route => {
    if (route.config?.costly !== 'read') return;
    route.preValidation = async (request: FastifyRequest) => {
      request.endTurn = await reading.take(callerOf(request));
    };
  });
  // Only costly requests have turns. A hook for the end of each answer would cost all others a listener.
  app.addHook('preParsing', (request, reply, payload, done) => {
    if (mayBeLarge(bodyLength(request)) || request.routeOptions.config.costly !== undefined)
      reply.raw.once('close', () => end(request));
    done(null, payload);
  });
  app.addHook('preHandler', (request, _reply, done) => {
    if (request.endTurn && request.routeOptions.config.costly === undefined) end(request);
    done();
  });
  app.addHook('onSend', (request, _reply, payload, done) => {
    if (!request.endTurn) return done(null, payload);
    // Long texts are slow to write: it is part of what the turn is for.
    const bytes = typeof payload === 'string' ? Buffer.from(payload) : payload;
    end(request);
    done(null, bytes);
  });
}
