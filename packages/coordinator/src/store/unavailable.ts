/**
 * The database does not answer just now. A write that fails so may or may not have been committed: repeating it with
 * the same idempotency key, or for the same job, does no harm.
 */
export class StoreUnavailable extends Error {
  override name = 'StoreUnavailable';
  /** Whole seconds after which another try may succeed. */
  readonly retryAfter: number;

  constructor(cause: unknown, retryAfter = 1) {
    super('The database does not answer', { cause });
    this.retryAfter = retryAfter;
  }
}
