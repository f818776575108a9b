import { integerOption, type OptionTable } from '../option.ts';

export const explorerOptions = {
  maxViewers: integerOption(
    1000,
    'The most browsers that watch the network live at once; others ask now and then',
    'NUMBER',
    1,
    1_000_000,
  ),
} as const satisfies OptionTable;

/** How often the counters are sampled for the overview. */
export const SAMPLE_MS = 2_000;

/** How often new entries of the ledger are added to the days of addresses. */
export const COUNT_DAYS_MS = 10_000;
