/** The largest time that there is, in ms since the epoch. Counts, ranks and amounts stay far below. */
export const LARGEST = 8.64e15;

/**
 * What a number beyond 2^53 is read and written as, so that no row makes a statement fail: a larger one could not be
 * read back exactly. No sound row has it, since all numbers are bounded where they come in.
 */
const OUT_OF_RANGE = Number.MAX_SAFE_INTEGER;

export const bounded = (value: number): number => Math.max(-OUT_OF_RANGE, Math.min(OUT_OF_RANGE, value));

/** Whether a number from the store can be what the coordinator has written: anything else comes from elsewhere. */
export const isPlausible = (value: unknown): boolean =>
  value === null || (typeof value === 'number' && value >= -LARGEST && value <= LARGEST);

/** RFC 3339 in UTC. A time that does not exist is shown as the nearest one that does. */
export const isoTime = (ms: number): string =>
  new Date(Number.isNaN(ms) ? 0 : Math.max(-LARGEST, Math.min(LARGEST, Number(ms)))).toISOString();
