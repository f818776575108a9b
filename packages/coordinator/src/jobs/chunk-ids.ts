const RESTARTS_DIGITS = 6;
const INDEX_DIGITS = 8;

const textPrefix = (jobId: string, restarts: number) =>
  `${jobId}/${String(restarts).padStart(RESTARTS_DIGITS, '0')}/`;

/** Ids sort by job, number of restarts and index. */
export const chunkId = (jobId: string, restarts: number, index: number) =>
  textPrefix(jobId, restarts) + String(index).padStart(INDEX_DIGITS, '0');

/** Returns a key that sorts after every chunk that was written since the last restart. */
export const textEnd = (jobId: string, restarts: number) => `${textPrefix(jobId, restarts)}~`;
