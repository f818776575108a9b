import { CLOSED } from '@aitbc/protocol';
import { parseTilePath, TlogError } from '@aitbc/tlog';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { fail } from '../errors.ts';
import type { Guards } from '../http/authentication.ts';
import { IMMUTABLE, MUTABLE } from '../http/caching.ts';
import { type App, answers } from '../http/routes.ts';
import type { PublicLedger } from './ledger.ts';

const tags = ['ledger'];

const content = (type: string, description: string) => ({
  description,
  content: { [type]: { schema: Type.String() } },
});

/** Serves the log in the format that verifiers read (C2SP tlog-tiles), below `/ledger/`, to web pages of all origins. */
export function ledgerRoutes(app: App, { ledger, guards }: { ledger: PublicLedger; guards: Guards }): void {
  const open = async (request: FastifyRequest, reply: FastifyReply) => {
    reply.header('access-control-allow-origin', '*');
    await guards.public(request, reply);
  };

  app.get(
    '/ledger/checkpoint',
    {
      onRequest: open,
      schema: {
        operationId: 'getCheckpoint',
        summary: 'The newest signed checkpoint (C2SP tlog-checkpoint)',
        tags,
        response: answers({ 200: content('text/plain', 'A signed note') }, 401, 404),
      },
    },
    async (_, reply) => {
      const latest = await ledger.latest();
      if (!latest) return fail('BLOCK_NOT_FOUND', 'The ledger has published nothing yet', { retryAfter: 1 });
      return sendText(reply, latest.note, MUTABLE);
    },
  );

  app.get(
    '/ledger/vkey',
    {
      onRequest: open,
      schema: {
        operationId: 'getLedgerKey',
        summary: "The ledger's verifier key (C2SP signed-note)",
        tags,
        response: answers({ 200: content('text/plain', 'name+hash+key') }, 401),
      },
    },
    async (_, reply) => sendText(reply, `${ledger.vkey}\n`, MUTABLE),
  );

  app.get(
    '/ledger/policy',
    {
      onRequest: open,
      schema: {
        operationId: 'getLedgerPolicy',
        summary:
          'The policy for verifiers: the key of the ledger, its witnesses and their quorum (C2SP tlog-policy)',
        tags,
        response: answers({ 200: content('text/plain', 'A policy file') }, 401),
      },
    },
    async (_, reply) => sendText(reply, ledger.policy, MUTABLE),
  );

  app.get(
    '/ledger/tile/:level/*',
    {
      onRequest: open,
      schema: {
        operationId: 'getTile',
        summary: 'A tile of hashes, or a bundle of entries (C2SP tlog-tiles)',
        tags,
        params: Type.Object({
          level: Type.String({ description: '0 to 63, or entries.', examples: ['0'] }),
          '*': Type.String({ description: 'Index and width, such as x001/234.p/17.', examples: ['000.p/1'] }),
        }),
        response: answers({ 200: content('application/octet-stream', 'Hashes, or entries') }, 400, 401, 404),
      },
    },
    async (request, reply) => await sendTile(ledger, request.params, request, reply),
  );

  app.get(
    '/ledger/consistency',
    {
      onRequest: open,
      schema: {
        operationId: 'getConsistency',
        summary:
          'The proof that the ledger of `to` entries extends that of `from` (RFC 6962, get-sth-consistency)',
        tags,
        querystring: Type.Object(
          {
            from: Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }),
            to: Type.Optional(
              Type.Integer({
                minimum: 0,
                maximum: Number.MAX_SAFE_INTEGER,
                description: 'Size of the newest published tree unless given.',
              }),
            ),
          },
          CLOSED,
        ),
        response: answers(
          {
            200: Type.Object({
              consistency: Type.Array(Type.String({ description: '32 bytes in base64.' })),
            }),
          },
          400,
          401,
          404,
        ),
      },
    },
    async ({ query: { from, to } }) => {
      const hashes = await ledger.consistency(from, to);
      return { consistency: hashes.map(hash => Buffer.from(hash).toString('base64')) };
    },
  );
}

async function sendTile(
  { tiles }: PublicLedger,
  { level, '*': rest }: { level: string; '*': string },
  { headers }: FastifyRequest,
  reply: FastifyReply,
) {
  const tile = readTilePath(`tile/${level}/${rest}`);
  const isBundle = tile.level === 'entries';
  const isGzip = isBundle && /\bgzip\b/.test(headers['accept-encoding'] ?? '');
  const bytes = await (isGzip ? tiles.gzippedBundle(tile) : tiles.tile(tile));
  if (!bytes) return fail('ROUTE_NOT_FOUND', 'The ledger has no such tile');
  reply.header('cache-control', IMMUTABLE).type('application/octet-stream');
  if (isBundle) reply.header('vary', 'accept-encoding');
  if (isGzip) reply.header('content-encoding', 'gzip');
  return reply.send(bytes);
}

function readTilePath(path: string) {
  try {
    return parseTilePath(path);
  } catch (error) {
    if (!(error instanceof TlogError)) throw error;
    return fail('ROUTE_NOT_FOUND', `No tile is called ${path}`);
  }
}

function sendText(reply: FastifyReply, text: string, caching: string): FastifyReply {
  return reply.header('cache-control', caching).type('text/plain; charset=utf-8').send(text);
}
