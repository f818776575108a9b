/**
 * The latest time that a Date can hold, in ms since the epoch (ECMAScript, "Time Values and Time Range"). Counts, ranks
 * and amounts stay far below it.
 */
export const MAX_TIME_MS = 8.64e15;

/** Larger numbers are not exact as doubles. Only damaged rows have them, since all input is bounded. */
const MAX_STORED = Number.MAX_SAFE_INTEGER;

/** The nearest number that can be stored and read back exactly, so that a damaged row never fails a statement. */
export const clampNumber = (value: number): number => Math.max(-MAX_STORED, Math.min(MAX_STORED, value));

/** Whether the coordinator can have written this value. Other values mean that the row is damaged. */
export const isPlausible = (value: unknown): boolean =>
  value === null || (typeof value === 'number' && value >= -MAX_TIME_MS && value <= MAX_TIME_MS);

/** A time as text in RFC 3339, in UTC. A number outside the range of times is shown as the nearest time. */
export const isoTime = (ms: number): string =>
  new Date(Number.isNaN(ms) ? 0 : Math.max(-MAX_TIME_MS, Math.min(MAX_TIME_MS, Number(ms)))).toISOString();
