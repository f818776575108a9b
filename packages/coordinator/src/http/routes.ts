import type { IncomingMessage, ServerResponse } from 'node:http';
import { IdempotencyKey, Problem } from '@aitbc/protocol';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type {
  FastifyBaseLogger,
  FastifyInstance,
  FastifyReply,
  FastifyRequest,
  RawServerDefault,
} from 'fastify';
import { type TSchema, Type } from 'typebox';

/** An app whose handlers get their types from the schemas of the route. */
export type App = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>;

const ERROR_WORDS: Record<number, string> = {
  400: 'Invalid request',
  401: 'Missing or wrong API key',
  403: 'The key lacks the scope',
  404: 'Not found',
  409: 'In conflict with the current state',
  410: 'Expired',
  413: 'Body too large',
  429: 'Too many at once',
  503: 'Not available now',
};

/** A route's response schemas: those of success, and problems for the given error statuses. */
export function answers<S extends Record<number, TSchema>>(
  success: S,
  ...errors: (keyof typeof ERROR_WORDS)[]
) {
  const problems = errors.map(status => [status, problem(ERROR_WORDS[status] ?? 'Error')] as const);
  return { ...success, ...Object.fromEntries(problems), default: problem('Any other error') } as S;
}

const problem = (description: string) => ({
  description,
  content: { 'application/problem+json': { schema: Problem } },
});

/** Accepts a request without a body, where all its fields are optional. */
export async function emptyWithoutBody(request: FastifyRequest): Promise<void> {
  request.body ??= {};
}

export const IdParams = Type.Object({ id: Type.String({ minLength: 1, maxLength: 64 }) });

/** The headers of routes that run requests with equal idempotency keys once. */
export const IdempotencyHeader = Type.Object({ 'idempotency-key': Type.Optional(IdempotencyKey) });

/** Says in a header whether this is the answer of an earlier request, and returns it. */
export function withReplayed<Answer>(
  reply: FastifyReply,
  { answer, replayed }: { answer: Answer; replayed: boolean },
): Answer {
  if (replayed) reply.header('idempotent-replayed', 'true');
  return answer;
}

/** A route's security schemes for the reference: a key in either of the two headers. */
export const keyed: Record<string, string[]>[] = [{ apiKey: [] }, { bearer: [] }];

/** Sends JSON text unchanged, as it was signed or stored. */
export function sendJson(reply: FastifyReply, json: string): FastifyReply {
  return reply.type('application/json; charset=utf-8').serializer(String).send(json);
}

export const tlogProof = {
  description: 'A .tlog-proof file',
  content: { 'text/plain': { schema: Type.String() } },
};

/** Sends the `.tlog-proof` of a statement as a file that is named by the statement's id. */
export function sendProof(reply: FastifyReply, id: string, proof: string): FastifyReply {
  return reply
    .header('content-disposition', `attachment; filename="${id}.tlog-proof"`)
    .type('text/plain; charset=utf-8')
    .send(proof);
}
