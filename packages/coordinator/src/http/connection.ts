import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { RequestError } from '../errors.ts';
import { networkOf } from '../networks.ts';

/**
 * Aborts when the caller hangs up, so that nothing is done for nobody, and when its key is revoked. Once the answer is
 * sent it aborts too.
 */
export function signalOf({ raw: response, request }: FastifyReply): AbortSignal {
  const controller = new AbortController();
  // Not the socket's event: sockets are kept for many requests, and the listeners would pile up.
  if (response.destroyed) controller.abort();
  else response.once('close', () => controller.abort());
  watchKey(request, controller);
  return controller.signal;
}

/** Ends a request that lasts when its key does not hold any longer. */
function watchKey(request: FastifyRequest, controller: AbortController): void {
  const { recheckKey, recheckMs = 0 } = request;
  if (!recheckKey || controller.signal.aborted) return;
  const timer = setInterval(async () => {
    // Where the database is away, nothing is known of the key.
    const outcome = await recheckKey().catch(() => undefined);
    if (!outcome || outcome.ok) return;
    request.revocation = outcome.error;
    controller.abort();
  }, recheckMs);
  controller.signal.addEventListener('abort', () => clearInterval(timer), { once: true });
}

/** What a wait ended with for a key that was revoked meanwhile is shown to nobody. */
export function endRevokedRequests(app: FastifyInstance): void {
  app.addHook('onSend', (request, _reply, payload, done) => {
    const { revocation } = request;
    if (!revocation) return done(null, payload);
    // The refusal itself is sent.
    delete request.revocation;
    done(new RequestError(revocation));
  });
}

export interface ConnectionLimit {
  perAddress: number;
  /** Addresses that count as many: of this machine, and of proxies. */
  isExempt(address: string): boolean;
}

/** Closes connections of an address, or of an IPv6 network of one customer, that has more than its share at once. */
export function limitConnections(server: Server, { perAddress, isExempt }: ConnectionLimit): void {
  const open = new Map<string, number>();
  server.on('connection', (socket: Socket) => {
    const { remoteAddress = '' } = socket;
    if (isExempt(remoteAddress)) return;
    const network = networkOf(remoteAddress) ?? remoteAddress;
    const count = (open.get(network) ?? 0) + 1;
    if (count > perAddress) {
      socket.destroy();
      return;
    }
    open.set(network, count);
    socket.once('close', () => {
      const left = (open.get(network) ?? 1) - 1;
      if (left === 0) open.delete(network);
      else open.set(network, left);
    });
  });
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
