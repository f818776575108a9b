import { integerOption, numberOption, type OptionTable, text, type ValuesOf } from '../option.ts';

const DAY = 24 * 3600;

export const accountOptions = {
  keyCacheSeconds: numberOption(5, 'How long a revoked key may still work', 'SECONDS', 0, 3600),
  idempotencySeconds: integerOption(
    DAY,
    'How long an idempotency key is remembered',
    'SECONDS',
    60,
    30 * DAY,
  ),
  billing: text('postpaid', 'With prepaid, a client’s balance must cover what its job may cost', {
    choices: ['postpaid', 'prepaid'],
  }),
} as const satisfies OptionTable;

export type AccountConfig = ValuesOf<typeof accountOptions>;
