import { createHash } from 'node:crypto';
import { formatSignatureLines } from '@aitbc/tlog';
import Fastify, { type FastifyInstance, type FastifyReply } from 'fastify';
import { CosignError, type CosignErrorCode } from './errors.ts';
import type { WitnessEventHandler } from './events.ts';
import { WITNESS_LIMITS } from './limits.ts';
import type { Witness } from './witness.ts';

/**
 * The statuses of C2SP tlog-witness v1.0.0. It has none for `FORGOTTEN`, which is the witness's own failure.
 */
const STATUS: Readonly<Record<CosignErrorCode, number>> = {
  MALFORMED: 400,
  OLD_TOO_LARGE: 400,
  UNSIGNED: 403,
  UNKNOWN_LOG: 404,
  STALE: 409,
  FORK: 409,
  INCONSISTENT: 422,
  FORGOTTEN: 503,
};

const TEXT = 'text/plain; charset=utf-8';

export interface ServerParts {
  witness: Witness;
  vkey: string;
  origins: readonly string[];
  emit: WitnessEventHandler;
  onCosignError: (error: CosignError) => void;
}

/**
 * Serves the witness over HTTP: C2SP tlog-witness, its verifier key and its health. Errors are a line of
 * text.
 */
export function buildServer({ witness, vkey, origins, emit, onCosignError }: ServerParts): FastifyInstance {
  const app = Fastify({
    bodyLimit: WITNESS_LIMITS.bodyBytes,
    requestTimeout: WITNESS_LIMITS.requestMs,
  });
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
  const originOf = new Map(origins.map(origin => [hashOf(origin), origin]));

  app.addHook('onRequest', async (_request, reply) => {
    reply.header('access-control-allow-origin', '*').header('x-content-type-options', 'nosniff').type(TEXT);
  });

  app.post('/add-checkpoint', async ({ body }) => {
    const { signature, ...cosigned } = await witness.addCheckpoint(body instanceof Uint8Array ? body : '');
    emit({ event: 'cosigned', ...cosigned });
    return formatSignatureLines([signature]);
  });

  app.get<{ Params: { hash: string } }>('/:hash/checkpoint', async ({ params }, reply) => {
    const origin = originOf.get(params.hash);
    const note = origin === undefined ? undefined : witness.latest(origin);
    reply.header('cache-control', 'no-cache');
    return note ?? reply.code(404).send('No cosigned checkpoint for an origin with that hash\n');
  });

  app.get('/vkey', async () => `${vkey}\n`);

  app.get('/health', async () => 'ok\n');

  app.setNotFoundHandler((_request, reply) =>
    reply
      .code(404)
      .send('A witness has POST /add-checkpoint, GET /SHA256-OF-ORIGIN/checkpoint, /vkey, /health\n'),
  );

  app.setErrorHandler((error: Error & { statusCode?: number }, _request, reply) => {
    if (error instanceof CosignError) {
      onCosignError(error);
      return sendError(error, reply);
    }
    const { statusCode = 500, message } = error;
    if (statusCode < 500) return reply.code(statusCode).send(`${message}\n`);
    emit({ event: 'failed', detail: message });
    return reply.code(500).send('The witness failed to handle a valid request\n');
  });

  return app;
}

function sendError({ code, message, details }: CosignError, reply: FastifyReply): FastifyReply {
  reply.code(STATUS[code]);
  // The format demands this body for this status alone: the size from which the log must continue.
  if (code === 'STALE') return reply.header('content-type', 'text/x.tlog.size').send(`${details.size}\n`);
  return reply.send(`${message}\n`);
}

/** Returns how the format names a log in paths. */
export function hashOf(origin: string): string {
  return createHash('sha256').update(origin).digest('hex');
}
