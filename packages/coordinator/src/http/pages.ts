import type { FastifyReply, FastifyRequest } from 'fastify';

/**
 * The place that a cursor names, in pages whose items have a number: a place in the ledger, the height of a block. Other
 * cursors are the id behind which a page starts. They are opaque to clients.
 */
export function readPlace(cursor: string | undefined): number | undefined {
  return cursor === undefined ? undefined : Number(cursor);
}

/** Points to the next page, when this one is full. */
export function linkNext(
  request: FastifyRequest,
  reply: FastifyReply,
  limit: number,
  ids: readonly string[],
): void {
  const last = ids.at(-1);
  if (ids.length === limit) linkAfter(request, reply, last);
}

/**
 * Points to the page that starts behind an id or a place, if there is one. The reference has only a query, so that it resolves to the right
 * address behind any proxy.
 */
export function linkAfter(
  request: FastifyRequest,
  reply: FastifyReply,
  last: string | number | undefined,
): void {
  if (last === undefined) return;
  const query = new URLSearchParams(request.url.split('?')[1] ?? '');
  query.set('cursor', String(last));
  reply.header('link', `<?${query}>; rel="next"`);
}
