import type { Socket } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { LIMITS } from './limits.ts';

const LOOK_MS = 20;

/** How to stop a server: requests in flight are answered, connections on which nothing is asked are ended. */
export function closerOf(app: FastifyInstance): () => Promise<void> {
  const { server } = app;
  // Opened ahead of a first request, as browsers and health checks do: Node takes them for busy.
  const silent = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    silent.add(socket);
    socket.once('close', () => silent.delete(socket));
  });
  server.on('request', ({ socket }) => silent.delete(socket));
  return async () => {
    for (const socket of silent) socket.destroy();
    const hangUps = setInterval(() => server.closeIdleConnections(), LOOK_MS);
    const giveUp = setTimeout(() => server.closeAllConnections(), LIMITS.drainMs);
    await app.close().finally(() => {
      clearInterval(hangUps);
      clearTimeout(giveUp);
    });
  };
}
