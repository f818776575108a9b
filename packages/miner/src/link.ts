import { ConnectionError, CoordinatorError, TimeoutError } from '@aitbc/sdk';
import { type BackoffOptions, createBackoff } from './backoff.ts';
import type { Emit } from './events.ts';

/** Whether the coordinator answers, told once each time it changes. */
export interface Link {
  /** It answered. */
  up(): void;
  /**
   * A call failed.
   *
   * @returns milliseconds to wait before the next try
   * @throws what trying again can't mend
   */
  failed(error: unknown): number;
}

export function createLink(emit: Emit, options: BackoffOptions): Link {
  const backoff = createBackoff(options);
  let isDown = false;
  return {
    up() {
      backoff.reset();
      if (isDown) emit({ event: 'reconnected' });
      isDown = false;
    },
    failed(error) {
      if (!isPassing(error)) throw error;
      if (!isDown) emit({ event: 'disconnected', error: messageOf(error) });
      isDown = true;
      return Math.max(backoff.next(), retryAfterMs(error));
    },
  };
}

/** Whether the call may succeed later as it is. */
export function isPassing(error: unknown): boolean {
  if (error instanceof ConnectionError || error instanceof TimeoutError) return true;
  if (!(error instanceof CoordinatorError)) return false;
  // An answer without a code comes from a proxy, while the coordinator is away.
  const fromProxy = error.errorCode === null && error.status >= 400;
  return error.status >= 500 || error.status === 429 || fromProxy;
}

export function retryAfterMs(error: unknown): number {
  return error instanceof CoordinatorError ? (error.retryAfter ?? 0) * 1000 : 0;
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
