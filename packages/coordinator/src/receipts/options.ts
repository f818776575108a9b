import {
  ConfigError,
  checkNumber,
  numberOption,
  type Option,
  type OptionTable,
  optionalText,
  toggle,
  type ValuesOf,
} from '../option.ts';

/** Credits per unit, by model. */
export type Rates = Readonly<Record<string, number>>;

const ratesOption = (about: string): Option<Rates> => ({
  kind: 'rates',
  default: {},
  about,
  unit: 'MODEL=CREDITS',
  read: readRates,
});

/** Reads `MODEL=CREDITS,…`, or an object in the configuration file. */
function readRates(source: string, value: unknown): Rates {
  const fail = (): never => {
    throw new ConfigError(`${source} must be MODEL=CREDITS,…, not ${JSON.stringify(value)}`);
  };
  const pairs: [string, unknown][] =
    typeof value === 'string'
      ? value
          .split(',')
          .map(pair => /^(.*)=(.*)$/.exec(pair) ?? fail())
          .map(([, model = '', rate]) => [model, rate])
      : Object.entries(isPlainObject(value) ? value : fail());
  return Object.fromEntries(
    pairs.map(([model, rate]) => {
      if (!model) fail();
      return [model, checkNumber(`${source} (${model})`, { minimum: 0, maximum: 1e6 }, rate)];
    }),
  );
}

const isPlainObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export const receiptOptions = {
  signingKey: optionalText('The key that signs receipts; by default signing-key.pem in the data folder', {
    unit: 'FILE',
  }),
  rotateSigningKey: toggle(
    'Change to the new signing key. Without this option, a changed key stops the start',
  ),
  rate: numberOption(0.01, 'Credits for one GPU second', 'CREDITS', 0, 1e6),
  rates: ratesOption('Credits for one GPU second by model: llama3.2=0.02,…'),
  tokenRates: ratesOption('Credits for 1000 tokens, for models that are priced by tokens: llama3.2=0.5,…'),
} as const satisfies OptionTable;

export type ReceiptConfig = ValuesOf<typeof receiptOptions>;
