/** Returns the id of a row of sums. The day comes first, padded, so that the rows of a time are next to each other. */
export const rowId = (day: number, of: string, model: string) => `${firstId(day)}${of}/${model}`;

/** Returns the least id of a day. */
export const firstId = (day: number) => `${String(day).padStart(6, '0')}/`;
