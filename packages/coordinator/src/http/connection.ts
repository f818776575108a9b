import type { FastifyRequest } from 'fastify';

/** Aborts when the caller hangs up, so that nothing is done for nobody. */
export function hangUpOf(request: FastifyRequest): AbortSignal {
  const controller = new AbortController();
  const { socket } = request.raw;
  if (socket.destroyed) controller.abort();
  else socket.once('close', () => controller.abort());
  return controller.signal;
}

/** Seconds from `Prefer: wait=N` (RFC 7240), or nothing. */
export function preferredWait(request: FastifyRequest): number | undefined {
  const match = /(?:^|[,;\s])wait=(\d{1,6})(?=$|[,;\s])/.exec(String(request.headers.prefer ?? ''));
  return match ? Number(match[1]) : undefined;
}
