import { integerOption, numberOption, type OptionTable, type ValuesOf } from '../option.ts';

export const verificationOptions = {
  verifyShare: numberOption(
    0,
    'The share of answers that verifiers read once more, drawn after they were committed; 0.02 is one in fifty',
    'SHARE',
    0,
    1,
  ),
  verifyLeaseSeconds: integerOption(
    300,
    'How long a verifier may take for an answer',
    'SECONDS',
    5,
    24 * 3600,
  ),
  verifyWaitHours: numberOption(
    24,
    'How long an answer waits for a verifier; after that nothing is said of it',
    'HOURS',
    0.01,
    24 * 30,
  ),
  verifyKeepDays: integerOption(
    90,
    'How long the numbers of each token are kept, which back a judgement up',
    'DAYS',
    1,
    36_500,
  ),
} as const satisfies OptionTable;

export type VerificationConfig = ValuesOf<typeof verificationOptions>;
