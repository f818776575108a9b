/**
 * Why a database can't be used just now. `away`: it does not answer. `busy`: another program locks it for too long.
 * `full`: it has no space for new data. `read-only`: it takes no writes. `failing`: reading or writing it, or its disk,
 * fails. `damaged`: its content is corrupt. `newer`: a newer version has changed its schema. Only the last two do not pass
 * by themselves.
 */
export type StoreFault = 'away' | 'busy' | 'full' | 'read-only' | 'failing' | 'damaged' | 'newer';

/** The message for clients, and the seconds after which another try may succeed. */
const FAULTS: Record<StoreFault, { message: string; retryAfter: number }> = {
  away: { message: 'The database does not answer', retryAfter: 1 },
  busy: { message: 'The database is held by another program', retryAfter: 1 },
  full: { message: 'The database has no space left', retryAfter: 5 },
  'read-only': { message: 'The database is read-only', retryAfter: 5 },
  failing: { message: 'The database can not be read or written', retryAfter: 5 },
  damaged: { message: 'The database is damaged', retryAfter: 60 },
  newer: { message: 'A newer version of the coordinator has taken over the database', retryAfter: 5 },
};

/**
 * The database can't be used just now. A write that fails with this error may or may not have been committed. Repeating
 * it with the same idempotency key, or for the same job, is safe.
 */
export class StoreUnavailable extends Error {
  override name = 'StoreUnavailable';
  readonly fault: StoreFault;
  /** Whole seconds after which another try may succeed. */
  readonly retryAfter: number;

  constructor(cause: unknown, fault: StoreFault = 'away', retryAfter = FAULTS[fault].retryAfter) {
    super(FAULTS[fault].message, { cause });
    this.fault = fault;
    this.retryAfter = retryAfter;
  }
}

/** An error's message followed by those of its causes, for the operator. */
export function messageWithCauses({ message, cause }: Error): string {
  return cause instanceof Error ? `${message}: ${messageWithCauses(cause)}` : message;
}
