import type { FastifyReply } from 'fastify';

/** `cache-control` of content that never changes. */
export const IMMUTABLE = 'public, max-age=604800, immutable';
/** `cache-control` of content that caches must revalidate. */
export const MUTABLE = 'no-cache';

/** Whether an `If-None-Match` has this tag. Compressing proxies make tags weak, and caches send several tags. */
export function isUnchanged(ifNoneMatch: string | undefined, etag: string): boolean {
  const tags = ifNoneMatch?.split(',').map(tag => tag.trim().replace(/^W\//, '')) ?? [];
  return tags.includes(etag) || tags.includes('*');
}

/** Responds that what the caller has is up to date. */
export const sendNotModified = (reply: FastifyReply): FastifyReply => reply.code(304).send();
