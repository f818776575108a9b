import { number, type OptionTable, type ValuesOf } from '../../option.ts';

/** How many results are compared. */
export const replicationOptions = {
  spotCheck: number(
    0,
    'Share of the completed jobs that are run once more, unseen, to compare results: 0.01 is one in a hundred',
    'SHARE',
    0,
    1,
  ),
} as const satisfies OptionTable;

export type ReplicationConfig = ValuesOf<typeof replicationOptions>;
