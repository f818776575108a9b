/** The coordinator's clock. Deadlines are by it, and the miner's own clock may be wrong. */
export interface CoordinatorClock {
  /** Returns milliseconds since 1970. */
  now(): number;
  /** Calls `fetch`, and reads the time from the `Date` header of each answer. */
  fetch: typeof fetch;
}

/** A smaller difference is ignored, as the network and the whole seconds of `Date` explain it. */
const TOLERANCE_MS = 5_000;

export function createClock(send: typeof fetch = (input, init) => fetch(input, init)): CoordinatorClock {
  let aheadMs = 0;
  return {
    now: () => Date.now() + aheadMs,
    async fetch(input, init) {
      const response = await send(input, init);
      const told = Date.parse(response.headers.get('date') ?? '');
      const difference = told - Date.now();
      if (!Number.isNaN(told)) aheadMs = Math.abs(difference) < TOLERANCE_MS ? 0 : difference;
      return response;
    },
  };
}
