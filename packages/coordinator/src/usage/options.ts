import { integerOption, type OptionTable } from '../option.ts';

export const usageOptions = {
  usageDays: integerOption(
    400,
    'How long the sums of usage and earnings by day are kept; 0 for ever',
    'DAYS',
    0,
    36_500,
  ),
} as const satisfies OptionTable;
