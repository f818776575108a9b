import { integer, type OptionTable, type ValuesOf } from '../option.ts';

export const fileOptions = {
  fileLimit: integer(200, 'The largest file, such as the requests of a batch', 'MIB', 1, 10_240),
  fileDays: integer(30, 'How long after their creation files are erased', 'DAYS', 1, 36_500),
} as const satisfies OptionTable;

export type FileConfig = ValuesOf<typeof fileOptions>;
