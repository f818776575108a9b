import { integerOption, numberOption, type OptionTable, type ValuesOf } from '../../option.ts';

export const schedulingOptions = {
  preferLoadedSeconds: numberOption(
    10,
    'How long a miner gets jobs of the models it has in memory before others',
    'SECONDS',
    0,
    3600,
  ),
  lowPriorityShare: numberOption(
    0.1,
    'The share of a miner’s jobs that goes to lower priorities while a higher one waits; 0 for none',
    'SHARE',
    0,
    0.5,
  ),
  prefixSeconds: integerOption(
    300,
    'How long a miner is expected to have the beginning of a prompt in memory; 0 does not look for it',
    'SECONDS',
    0,
    86_400,
  ),
  maxWaitSeconds: integerOption(30, 'The longest time that a request may wait', 'SECONDS', 0, 300),
} as const satisfies OptionTable;

export type SchedulingConfig = ValuesOf<typeof schedulingOptions>;
