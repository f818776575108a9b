/** `cache-control` of content that is the same for ever, and of content that must be asked for again. */
export const IMMUTABLE = 'public, max-age=604800, immutable';
export const MUTABLE = 'no-cache';
