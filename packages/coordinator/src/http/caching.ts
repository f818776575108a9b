/** `cache-control` of content that is the same for ever, and of content that must be asked for again. */
export const IMMUTABLE = 'public, max-age=604800, immutable';
export const MUTABLE = 'no-cache';

/** Whether an `If-None-Match` names what is there: proxies that pack answers make tags weak, and caches send several. */
export function isUnchanged(ifNoneMatch: string | undefined, etag: string): boolean {
  const tags = ifNoneMatch?.split(',').map(tag => tag.trim().replace(/^W\//, '')) ?? [];
  return tags.includes(etag) || tags.includes('*');
}
