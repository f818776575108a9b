import { integerOption, numberOption, type OptionTable, type ValuesOf } from '../../option.ts';

const DAY = 24 * 3600;

export const leaseOptions = {
  leaseSeconds: integerOption(120, 'How long a claim lasts without a heartbeat', 'SECONDS', 1, DAY),
  jobTimeoutSeconds: integerOption(600, 'How long one attempt may run', 'SECONDS', 1, 7 * DAY),
  offerSeconds: integerOption(5, 'How long an offered job is kept for its miner', 'SECONDS', 1, 300),
  retryBackoffSeconds: numberOption(
    1,
    'The pause after a first failed attempt; it doubles with each further one',
    'SECONDS',
    0,
    3600,
  ),
  spotCheck: numberOption(
    0,
    'The share of completed jobs that are secretly run once more to compare results; 0.01 is one in a hundred',
    'SHARE',
    0,
    1,
  ),
} as const satisfies OptionTable;

export type LeaseConfig = ValuesOf<typeof leaseOptions>;
