import type { FastifyReply, FastifyRequest } from 'fastify';
import { refuse } from '../store/operation.ts';

const CURSOR = /^[a-z]+-[0-9a-z]{26}$|^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$/;

/** The id that a cursor names: a page starts behind it. Cursors are opaque to clients. */
export function readCursor(cursor: string | undefined): string | undefined {
  if (cursor === undefined) return undefined;
  const id = Buffer.from(cursor, 'base64url').toString('utf8');
  if (!CURSOR.test(id)) {
    refuse(
      'VALIDATION_INVALID_FORMAT',
      "The cursor is none of this coordinator's: take it from the Link header",
      { field: 'cursor' },
    );
  }
  return id;
}

/** Points to the next page, when this one is full. */
export function linkNext(
  request: FastifyRequest,
  reply: FastifyReply,
  limit: number,
  ids: readonly string[],
): void {
  const last = ids.at(-1);
  if (ids.length === limit && last !== undefined) linkAfter(request, reply, last);
}

/**
 * Points to the page that starts behind an id. The reference has only a query, so that it resolves to the right
 * address behind any proxy.
 */
export function linkAfter(request: FastifyRequest, reply: FastifyReply, id: string): void {
  const query = new URLSearchParams(request.url.split('?')[1] ?? '');
  query.set('cursor', Buffer.from(id).toString('base64url'));
  reply.header('link', `<?${query}>; rel="next"`);
}
