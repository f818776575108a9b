/** Of `batch_` and a ULID. */
export const BATCH_ID_LENGTH = 32;

/** Which request of which batch a job answers, so that they sort by line. */
export const batchLine = (batchId: string, line: number) => `${batchId}/${String(line).padStart(8, '0')}`;

/** The batch of a line. */
export const batchOf = (line: string) => line.slice(0, BATCH_ID_LENGTH);

/** Sorts behind all lines of a batch. */
export const behindBatch = (batchId: string) => `${batchId}0`;

export const lineNumber = (line: string) => Number(line.slice(BATCH_ID_LENGTH + 1));
