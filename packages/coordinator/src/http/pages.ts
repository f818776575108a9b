import type { FastifyReply, FastifyRequest } from 'fastify';
import type { ListPage } from '../list-page.ts';

/**
 * Reads a cursor that is a number, such as an index in the ledger or the height of a block. All other cursors are the id
 * after which a page starts. Cursors are opaque to clients.
 */
export function readPlace(cursor: string | undefined): number | undefined {
  return cursor === undefined ? undefined : Number(cursor);
}

/** Adds a link to the next page where this one is full. */
export function linkNext(
  request: FastifyRequest,
  reply: FastifyReply,
  limit: number,
  ids: readonly string[],
): void {
  const last = ids.at(-1);
  if (ids.length === limit) linkAfter(request, reply, last);
}

/** Returns the items of a page, and adds a link to the next one. */
export function linked<Item>(
  request: FastifyRequest,
  reply: FastifyReply,
  { items, next }: ListPage<Item, string | number>,
): Item[] {
  linkAfter(request, reply, next);
  return items;
}

/**
 * Adds a link to the page that starts after an id or a number, if there is one. The link has only a query, so that it
 * resolves to the right address behind any proxy.
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
