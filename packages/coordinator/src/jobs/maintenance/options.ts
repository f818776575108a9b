import { integerOption, numberOption, type OptionTable } from '../../option.ts';

export const maintenanceOptions = {
  sweepSeconds: numberOption(1, 'How often expired jobs and leases are ended', 'SECONDS', 0.05, 60),
  retentionDays: integerOption(
    0,
    'How long after the end of a job its prompt and result are erased; 0 for never',
    'DAYS',
    0,
    36_500,
  ),
} as const satisfies OptionTable;
