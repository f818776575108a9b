import type { FastifyReply, FastifyRequest } from 'fastify';
import { refuse } from '../store/operation.ts';

const ID = /^[a-z]+-[0-9a-z]{26}$|^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$/;
/** Below 0 in the ledgers before a restore. */
const PLACE = /^-?\d{1,15}$/;

/** The id that a cursor names: a page starts behind it. Cursors are opaque to clients. */
export function readCursor(cursor: string | undefined): string | undefined {
  return cursor === undefined ? undefined : decodeCursor(cursor, ID);
}

/** As `readCursor`, for pages whose items have a number: a place in the ledger, the height of a block. */
export function readPlace(cursor: string | undefined): number | undefined {
  return cursor === undefined ? undefined : Number(decodeCursor(cursor, PLACE));
}

function decodeCursor(cursor: string, pattern: RegExp): string {
  const text = Buffer.from(cursor, 'base64url').toString('utf8');
  if (pattern.test(text)) return text;
  return refuse(
    'VALIDATION_INVALID_FORMAT',
    "The cursor is none of this coordinator's: take it from the Link header",
    { field: 'cursor' },
  );
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
  query.set('cursor', Buffer.from(String(last)).toString('base64url'));
  reply.header('link', `<?${query}>; rel="next"`);
}
