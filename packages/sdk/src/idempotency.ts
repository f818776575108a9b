/** Returns 128 random bits in hex. `crypto.randomUUID` is missing on pages over plain HTTP. */
export function makeIdempotencyKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join('');
}
