/** Limits on what strangers can make a witness do. */
export const WITNESS_LIMITS = {
  /** The bytes of a request. It fits 63 hashes and a checkpoint with a dozen of the largest signatures. */
  bodyBytes: 64 * 1024,
  /** How long a request may take to arrive, from its first byte on. */
  requestMs: 15_000,
  /** How long a stop waits for requests under way. */
  drainMs: 5_000,
} as const;
