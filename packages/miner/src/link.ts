import { ConnectionError, CoordinatorError, TimeoutError } from '@aitbc/sdk';
import { type BackoffOptions, createBackoff } from './backoff.ts';
import type { MinerEvent } from './events.ts';

/** Tracks whether the coordinator answers, and reports each change once. */
export interface Link {
  /** Records an answer. */
  up(): void;
  /**
   * Records a failed call.
   *
   * @returns milliseconds to wait before the next try
   * @throws the error when trying again can not help
   */
  failed(error: unknown): number;
}

type LinkEvent = Extract<MinerEvent, { event: 'disconnected' | 'reconnected' }>;

export function createLink(emit: (event: LinkEvent) => void, options: BackoffOptions): Link {
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

/** Whether the same call may succeed later. */
export function isPassing(error: unknown): boolean {
  if (error instanceof ConnectionError || error instanceof TimeoutError) return true;
  if (!(error instanceof CoordinatorError)) return false;
  // An answer without an error code comes from a proxy while the coordinator is away.
  const fromProxy = error.errorCode === null && error.status >= 400;
  return error.status >= 500 || error.status === 429 || fromProxy;
}

export function retryAfterMs(error: unknown): number {
  return error instanceof CoordinatorError ? (error.retryAfter ?? 0) * 1000 : 0;
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
