import { integerOption, type OptionTable, type ValuesOf } from '../option.ts';

export const fileOptions = {
  fileLimit: integerOption(200, 'The largest file, such as the requests of a batch', 'MIB', 1, 10_240),
  fileDays: integerOption(30, 'How long after their creation files are erased', 'DAYS', 1, 36_500),
} as const satisfies OptionTable;

export type FileConfig = ValuesOf<typeof fileOptions>;
