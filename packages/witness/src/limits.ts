/** What a witness lets strangers do. */
export const LIMITS = {
  /** Bytes of a request: 63 hashes and a checkpoint with a dozen of the largest signatures fit well. */
  bodyBytes: 64 * 1024,
  /** Until a request must have arrived, from its first byte on. */
  requestMs: 15_000,
  /** How long a stop waits for requests in flight. */
  drainMs: 5_000,
} as const;
