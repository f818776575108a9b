/** Shortens an id in the middle, so that its two ends can be compared: `3b1f…9c02`. */
export function shortId(id: string, ends = 6): string {
  // Of ids with a prefix, such as `rcpt-…`, the prefix stays whole.
  const prefix = /^[a-z]+[-_]/.exec(id)?.[0] ?? (id.startsWith('ait1') ? 'ait1' : '');
  const rest = id.slice(prefix.length);
  return rest.length <= 2 * ends + 1 ? id : `${prefix}${rest.slice(0, ends)}…${rest.slice(-ends)}`;
}
