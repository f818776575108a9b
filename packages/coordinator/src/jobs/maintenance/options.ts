import { integer, number, type OptionTable, type ValuesOf } from '../../option.ts';

/** How often expiries are looked for, and how long texts are kept. */
export const maintenanceOptions = {
  sweepSeconds: number(1, 'How often expiries are looked for', 'SECONDS', 0.05, 60),
  retentionDays: integer(
    0,
    'Prompts and results are erased so long after the end of their job; 0: never',
    'DAYS',
    0,
    36_500,
  ),
} as const satisfies OptionTable;

export type MaintenanceConfig = ValuesOf<typeof maintenanceOptions>;
