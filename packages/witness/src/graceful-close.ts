import type { Socket } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { WITNESS_LIMITS } from './limits.ts';

const LOOK_MS = 20;

/** Returns a function that stops a server. It answers the requests under way, then ends idle connections. */
export function createCloser(app: FastifyInstance): () => Promise<void> {
  const { server } = app;
  // Browsers and health checks open connections before they send a request. Node counts these as busy.
  const silent = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    silent.add(socket);
    socket.once('close', () => silent.delete(socket));
  });
  server.on('request', ({ socket }) => silent.delete(socket));
  return async () => {
    for (const socket of silent) socket.destroy();
    const endIdle = setInterval(() => server.closeIdleConnections(), LOOK_MS);
    const giveUp = setTimeout(() => server.closeAllConnections(), WITNESS_LIMITS.drainMs);
    await app.close().finally(() => {
      clearInterval(endIdle);
      clearTimeout(giveUp);
    });
  };
}
