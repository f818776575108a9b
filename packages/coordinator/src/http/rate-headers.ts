import type { FastifyInstance } from 'fastify';
import type { Limits } from '../limits/limits.ts';

/**
 * Sends callers with a key what remains of their limits, in the fields of draft-ietf-httpapi-ratelimit-headers-10: each
 * policy is an item whose value is its name as a string, `q` its quota and `w` its window in seconds; `r` is the rest of
 * the quota and `t` the seconds until it is full again.
 */
export function sendRateHeaders(app: FastifyInstance, limits: Limits): void {
  app.addHook('onSend', (request, reply, payload, done) => {
    const states = request.principal ? limits.states(request.principal) : [];
    if (states.length === 0) return done(null, payload);
    reply.header(
      'ratelimit-policy',
      states.map(({ name, limit, windowSeconds: w }) => `"${name}";q=${limit};w=${w}`).join(', '),
    );
    reply.header(
      'ratelimit',
      states.map(({ name, left, resetSeconds: t }) => `"${name}";r=${left};t=${t}`).join(', '),
    );
    done(null, payload);
  });
}

/** Sends the same by OpenAI's header names. Leaves out jobs, since each request there is one job. */
export function sendOpenAiRateHeaders(app: FastifyInstance, limits: Limits): void {
  app.addHook('onSend', (request, reply, payload, done) => {
    for (const state of request.principal ? limits.states(request.principal) : []) {
      if (state.name === 'jobs') continue;
      reply.header(`x-ratelimit-limit-${state.name}`, state.limit);
      reply.header(`x-ratelimit-remaining-${state.name}`, state.left);
      reply.header(`x-ratelimit-reset-${state.name}`, `${state.resetSeconds}s`);
    }
    done(null, payload);
  });
}
