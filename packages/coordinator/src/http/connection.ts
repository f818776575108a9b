import type { Server } from 'node:http';
import type { Socket } from 'node:net';
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

/**
 * Watches a server's connections, and ends on demand those that wait for no answer: kept for a next request, or opened
 * ahead of a first one as browsers and health checks do. Node's own `closeIdleConnections` spares the latter.
 */
export function watchConnections(server: Server): { closeIdle(): void } {
  const requests = new Map<Socket, number>();
  const move = (socket: Socket, by: number) => {
    const open = requests.get(socket);
    if (open !== undefined) requests.set(socket, open + by);
  };
  server.on('connection', (socket: Socket) => {
    requests.set(socket, 0);
    socket.once('close', () => requests.delete(socket));
  });
  server.on('request', ({ socket }, response) => {
    move(socket, 1);
    response.once('close', () => move(socket, -1));
  });
  return {
    closeIdle() {
      for (const [socket, open] of requests) if (open === 0) socket.destroySoon();
    },
  };
}
