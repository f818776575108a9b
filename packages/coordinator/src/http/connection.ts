import type { FastifyReply, FastifyRequest } from 'fastify';

/** Aborts when the caller hangs up, so that nothing is done for nobody. Once the answer is sent it aborts too. */
export function hangUpOf({ raw: response }: FastifyReply): AbortSignal {
  const controller = new AbortController();
  // Not the socket's event: sockets are kept for many requests, and the listeners would pile up.
  if (response.destroyed) controller.abort();
  else response.once('close', () => controller.abort());
  return controller.signal;
}

/** Seconds from `Prefer: wait=N` (RFC 7240), or nothing. */
export function preferredWait(request: FastifyRequest): number | undefined {
  const match = /(?:^|[,;\s])wait=(\d{1,6})(?=$|[,;\s])/i.exec(String(request.headers.prefer ?? ''));
  return match ? Number(match[1]) : undefined;
}
