import { StoreUnavailable } from '../unavailable.ts';

const FIRST_MS = 50;
const MAX_MS = 5_000;

export interface ConnectBackoff {
  /**
   * Tries to connect. After a failure it rejects at once with StoreUnavailable, until a pause is over that doubles with
   * each failure. So callers learn quickly that the database is away, and do not storm it when it comes back.
   */
  attempt<T>(connect: () => Promise<T>): Promise<T>;
}

export function createConnectBackoff(): ConnectBackoff {
  let failures = 0;
  let pausedUntil = 0;
  let reason: unknown;
  return {
    async attempt(connect) {
      const left = pausedUntil - performance.now();
      if (left > 0) throw new StoreUnavailable(reason, 'away', Math.ceil(left / 1000));
      try {
        const connected = await connect();
        failures = 0;
        return connected;
      } catch (error) {
        reason = error;
        pausedUntil = performance.now() + Math.min(MAX_MS, FIRST_MS * 2 ** failures++);
        throw error;
      }
    },
  };
}
