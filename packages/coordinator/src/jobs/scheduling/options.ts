import { integer, number, type OptionTable, type ValuesOf } from '../../option.ts';

/** Which job runs next. */
export const schedulingOptions = {
  preferLoadedSeconds: number(
    10,
    'Jobs for models that a miner has in memory go before others to it for at most so long',
    'SECONDS',
    0,
    3600,
  ),
  lowPriorityShare: number(
    0.1,
    'Share of a miner’s jobs that goes to lower priorities while a higher one waits; 0: none',
    'SHARE',
    0,
    0.5,
  ),
  maxWaitSeconds: integer(30, 'Longest long poll; a longer wait is answered then', 'SECONDS', 0, 300),
} as const satisfies OptionTable;

export type SchedulingConfig = ValuesOf<typeof schedulingOptions>;
