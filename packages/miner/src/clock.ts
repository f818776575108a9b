/** The coordinator's clock, since deadlines are by it and a miner's own may be wrong. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Does what `fetch` does, and reads the time off the `Date` of each answer. */
  fetch: typeof fetch;
}

/** A difference that the network and the whole seconds of `Date` explain is none. */
const TOLERANCE_MS = 5_000;

export function createClock(send: typeof fetch = (input, init) => fetch(input, init)): Clock {
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
