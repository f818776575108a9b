import {
  ConfigError,
  checkNumber,
  number,
  type Option,
  type OptionTable,
  optionalText,
  toggle,
  type ValuesOf,
} from '../option.ts';

/** Credits for a unit of each model. */
export type Rates = Readonly<Record<string, number>>;

const ratesOption = (about: string): Option<Rates> => ({
  kind: 'rates',
  default: {},
  about,
  unit: 'MODEL=CREDITS',
  read: readRates,
});

/** `MODEL=CREDITS,…`, or an object in the configuration file. */
function readRates(source: string, value: unknown): Rates {
  const wrong = (): never => {
    throw new ConfigError(`${source} must be MODEL=CREDITS,…, not ${JSON.stringify(value)}`);
  };
  const pairs: [string, unknown][] =
    typeof value === 'string'
      ? value
          .split(',')
          .map(pair => /^(.*)=(.*)$/.exec(pair) ?? wrong())
          .map(([, model = '', rate]) => [model, rate])
      : Object.entries(isPlainObject(value) ? value : wrong());
  return Object.fromEntries(
    pairs.map(([model, rate]) => {
      if (!model) wrong();
      return [model, checkNumber(`${source} (${model})`, { minimum: 0, maximum: 1e6 }, rate)];
    }),
  );
}

const isPlainObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** What receipts are signed with, and what jobs are charged by. */
export const receiptOptions = {
  signingKey: optionalText('Key that signs receipts; signing-key.pem in the data folder unless given', {
    unit: 'FILE',
  }),
  rotateSigningKey: toggle('Sign with another key from now on, rather than refuse to start with it'),
  rate: number(0.01, 'Credits for one GPU second', 'CREDITS', 0, 1e6),
  rates: ratesOption('Credits for one GPU second by model: llama3.2=0.02,…'),
  tokenRates: ratesOption('Credits for 1000 tokens, of models that are priced by tokens: llama3.2=0.5,…'),
} as const satisfies OptionTable;

export type ReceiptConfig = ValuesOf<typeof receiptOptions>;
