import { ConfigError, numberOption, type OptionTable, text } from '../option.ts';
import { DEFAULT_TIERS, readTiers, type Tiers } from './tiers.ts';

/** The tiers are an object in the configuration file, and JSON in flags and variables. */
function readTiersOption(source: string, value: unknown): Tiers {
  try {
    return readTiers(typeof value === 'string' ? JSON.parse(value) : value);
  } catch (error) {
    throw new ConfigError(
      `${source} ${error instanceof SyntaxError ? 'must be JSON' : (error as Error).message}`,
    );
  }
}

export const limitOptions = {
  limits: text('auto', 'Whether the limits of tiers apply; with auto they apply if API keys are required', {
    choices: ['auto', 'on', 'off'],
  }),
  tiers: {
    kind: 'tiers',
    default: DEFAULT_TIERS as Tiers,
    about: 'The limits of keys by tier, such as {"default":{"pending":1000},"gold":{"pending":null}}',
    unit: 'JSON',
    read: readTiersOption,
  },
  overloadSeconds: numberOption(
    2,
    'From this delay of writes on, the clients with the most queued jobs are rejected',
    'SECONDS',
    0.05,
    600,
  ),
} as const satisfies OptionTable;
