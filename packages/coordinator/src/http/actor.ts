import type { FastifyRequest } from 'fastify';
import type { Actor } from '../audit/record-actions.ts';
import { principalOf } from './authentication.ts';

/** Who makes a request, for the audit log. */
export function actorOf(request: FastifyRequest): Actor {
  const { keyId, address } = principalOf(request);
  return {
    source: 'api',
    keyId: keyId ?? null,
    account: address,
    origin: request.ip,
    requestId: request.id,
  };
}
