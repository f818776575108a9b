/** The length of a batch id: `batch_` and a ULID. */
export const BATCH_ID_LENGTH = 32;

/** Returns the key of a job in a batch. Keys sort by line. */
export const batchLine = (batchId: string, line: number) => `${batchId}/${String(line).padStart(8, '0')}`;

/** Returns the batch id of a key. */
export const batchOf = (line: string) => line.slice(0, BATCH_ID_LENGTH);

/** Returns a key that sorts after all lines of a batch. */
export const behindBatch = (batchId: string) => `${batchId}0`;

export const lineNumber = (line: string) => Number(line.slice(BATCH_ID_LENGTH + 1));
