import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { RequestError } from '../errors.ts';
import { networkOf } from '../networks.ts';

/** Why signals of requests abort. Without a reason, each would make an exception with its stack, which takes long. */
const IS_OVER = new Error('The request is over');

/** Returns a signal that aborts when the caller disconnects, its key is revoked, or the response is sent. */
export function signalOf({ raw: response, request }: FastifyReply): AbortSignal {
  const controller = new AbortController();
  // A socket serves many requests, so listeners on the socket itself would pile up.
  if (response.destroyed) controller.abort(IS_OVER);
  else response.once('close', () => controller.abort(IS_OVER));
  watchKey(request, controller);
  return controller.signal;
}

/** Aborts a long request when its key is revoked. */
function watchKey(request: FastifyRequest, controller: AbortController): void {
  const { recheckKey, recheckMs = 0 } = request;
  if (!recheckKey || controller.signal.aborted) return;
  const timer = setInterval(async () => {
    // While the database is away, the key's state is unknown, and the request continues.
    const outcome = await recheckKey().catch(() => undefined);
    if (!outcome || outcome.ok) return;
    request.revocation = outcome.error;
    controller.abort(IS_OVER);
  }, recheckMs);
  controller.signal.addEventListener('abort', () => clearInterval(timer), { once: true });
}

/** Replaces the response of a request whose key was revoked meanwhile by an error. */
export function rejectRevokedRequests(app: FastifyInstance): void {
  app.addHook('onSend', (request, _reply, payload, done) => {
    const { revocation } = request;
    if (!revocation) return done(null, payload);
    // Without this, the error response would be replaced again.
    delete request.revocation;
    done(new RequestError(revocation));
  });
}

export interface ConnectionLimit {
  perAddress: number;
  /** Whether an address has no limit, since many clients share it: this machine's, or a proxy's. */
  isExempt(address: string): boolean;
}

/** Closes new connections of an address, or of a customer's IPv6 network, that already has too many. */
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

/** The seconds of the header `Prefer: wait=N` (RFC 7240), or undefined. */
export function preferredWait(request: FastifyRequest): number | undefined {
  const match = /(?:^|[,;\s])wait=(\d{1,6})(?=$|[,;\s])/i.exec(String(request.headers.prefer ?? ''));
  return match ? Number(match[1]) : undefined;
}

/** Whether the request has the header `Prefer: explain`. */
export const prefersExplanation = ({ headers }: FastifyRequest): boolean =>
  /(?:^|[,;\s])explain(?=$|[,;\s])/i.test(String(headers.prefer ?? ''));

/** Returns the version of the agent that asks for an explanation: of `Prefer: explain; agent="NAME/1.2.3"`. */
export const agentVersionOf = ({ headers }: FastifyRequest): string | undefined =>
  /;\s*agent="?[^\s"/]{1,64}\/([0-9]{1,6}\.[0-9]{1,6}\.[0-9]{1,6})\b/i.exec(
    String(headers.prefer ?? ''),
  )?.[1];

/**
 * Tracks a server's connections, to close those without a request in progress. Node's own `closeIdleConnections` leaves
 * connections open on which no request was ever sent, as browsers and health checks open them.
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
    response.on('close', () => move(socket, -1));
  });
  return {
    closeIdle() {
      for (const [socket, open] of requests) if (open === 0) socket.destroySoon();
    },
  };
}
