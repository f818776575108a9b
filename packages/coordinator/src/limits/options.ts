import { ConfigError, number, type OptionTable, text, type ValuesOf } from '../option.ts';
import { readTiers, type Tiers, USUAL_TIERS } from './tiers.ts';

/** An object in the configuration file, JSON elsewhere. */
function readTiersOption(source: string, value: unknown): Tiers {
  try {
    return readTiers(typeof value === 'string' ? JSON.parse(value) : value);
  } catch (error) {
    throw new ConfigError(
      `${source} ${error instanceof SyntaxError ? 'must be JSON' : (error as Error).message}`,
    );
  }
}

/** What keys, accounts and addresses may do. */
export const limitOptions = {
  limits: text('auto', 'Whether the limits of tiers hold; auto: where keys are needed', {
    choices: ['auto', 'on', 'off'],
  }),
  tiers: {
    kind: 'tiers',
    default: USUAL_TIERS as Tiers,
    about: 'Limits of keys by tier, such as {"default":{"pending":1000},"gold":{"pending":null}}',
    unit: 'JSON',
    read: readTiersOption,
  },
  overloadSeconds: number(
    2,
    'Where writes come so late, clients with most in the queue are refused',
    'SECONDS',
    0.05,
    600,
  ),
} as const satisfies OptionTable;

export type LimitConfig = ValuesOf<typeof limitOptions>;
