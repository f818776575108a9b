import { integerOption, numberOption, type OptionTable, type ValuesOf } from '../option.ts';

const DAY = 24 * 3600;

export const minerOptions = {
  minerTimeoutSeconds: integerOption(
    90,
    'How long a miner may be silent before it is offline',
    'SECONDS',
    1,
    DAY,
  ),
  modelMemorySeconds: integerOption(
    600,
    'How long a model counts as unavailable, not unknown, after its last miner left',
    'SECONDS',
    0,
    30 * DAY,
  ),
  maxMinersPerOwner: integerOption(
    1_000,
    'The most miners of an owner whose key was created without --trusted',
    'NUMBER',
    1,
    1_000_000,
  ),
  minReputation: numberOption(
    0.2,
    'An owner of miners with a lower reputation is suspended; 0 suspends nobody',
    'SCORE',
    0,
    1,
  ),
  suspensionHours: numberOption(
    24,
    'How long an owner of miners is suspended, before a time on probation',
    'HOURS',
    0.01,
    100_000,
  ),
  reputationHalfLifeDays: numberOption(
    14,
    'The half-life of what counts in a miner’s reputation',
    'DAYS',
    0.01,
    36_500,
  ),
} as const satisfies OptionTable;

export type MinerConfig = ValuesOf<typeof minerOptions>;
