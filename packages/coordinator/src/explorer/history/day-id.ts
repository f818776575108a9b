export const DAY_MS = 24 * 3600 * 1000;

export const dayOf = (ms: number) => Math.floor(ms / DAY_MS);

/** Returns the id of the row of a day: `OF/DAY`. Days are padded, so that the rows of one thing are in order. */
export const dayId = (of: string | number, day: number) => `${of}/${String(day).padStart(6, '0')}`;

/** Returns a day since the epoch as `2026-01-24`. */
export const textOfDay = (day: number) => new Date(day * DAY_MS).toISOString().slice(0, 10);
