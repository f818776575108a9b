import { LIMITS } from '@aitbc/protocol';
import type { FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { openAiErrorFor } from './errors.ts';

export const IdempotencyHeaders = Type.Object({
  'idempotency-key': Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: LIMITS.idempotencyKeyLength,
      description: 'Repeating a request with the same key and body returns the same job or batch.',
    }),
  ),
});

/** Returns the request's idempotency key. Throws OpenAiError if its length is wrong. */
export function idempotencyKeyOf({ headers }: FastifyRequest): string | undefined {
  const key = headers['idempotency-key'];
  if (key === undefined) return undefined;
  const text = String(key);
  if (text !== '' && text.length <= LIMITS.idempotencyKeyLength) return text;
  throw openAiErrorFor({
    code: 'VALIDATION_OUT_OF_RANGE',
    detail: `Idempotency-Key must have 1 to ${LIMITS.idempotencyKeyLength} characters`,
    field: 'idempotency-key',
  });
}
