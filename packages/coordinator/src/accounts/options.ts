import { integer, number, type OptionTable, text, type ValuesOf } from '../option.ts';

const DAY = 24 * 3600;

/** API keys and idempotency keys. */
export const accountOptions = {
  keyCacheSeconds: number(5, 'A revoked key is refused everywhere after so long', 'SECONDS', 0, 3600),
  idempotencySeconds: integer(DAY, 'How long an idempotency key is remembered', 'SECONDS', 60, 30 * DAY),
  billing: text('postpaid', 'prepaid: what a job may cost must be covered by its client’s balance', {
    choices: ['postpaid', 'prepaid'],
  }),
} as const satisfies OptionTable;

export type AccountConfig = ValuesOf<typeof accountOptions>;
