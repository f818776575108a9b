import { integer, type OptionTable, type ValuesOf } from '../option.ts';

/** How large files may be, and how long they stay. */
export const fileOptions = {
  fileLimit: integer(200, 'Largest file, such as the requests of a batch', 'MIB', 1, 10_240),
  fileDays: integer(30, 'Files are erased so long after they were made', 'DAYS', 1, 36_500),
} as const satisfies OptionTable;

export type FileConfig = ValuesOf<typeof fileOptions>;
