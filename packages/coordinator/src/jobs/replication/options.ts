import { numberOption, type OptionTable, type ValuesOf } from '../../option.ts';

export const replicationOptions = {
  spotCheck: numberOption(
    0,
    'The share of completed jobs that are secretly run once more to compare results; 0.01 is one in a hundred',
    'SHARE',
    0,
    1,
  ),
} as const satisfies OptionTable;

export type ReplicationConfig = ValuesOf<typeof replicationOptions>;
