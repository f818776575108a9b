import type { FastifyRequest } from 'fastify';
import type { Actor } from '../audit/record-actions.ts';
import { principalOf } from './authentication.ts';

/** Who makes a request, for the audit log. */
export function actorOf(request: FastifyRequest): Actor {
  principalOf(request);
  return anyActorOf(request);
}

/** Who makes a request of a public route, perhaps without a key. */
export function anyActorOf({ principal, ip, id }: FastifyRequest): Actor {
  return {
    source: 'api',
    keyId: principal?.keyId ?? null,
    account: principal?.address ?? null,
    origin: ip,
    requestId: id,
  };
}
