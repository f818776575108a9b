import {
  ConfigError,
  integerOption,
  numberOption,
  type OptionTable,
  optionalText,
  type ValuesOf,
} from '../option.ts';
import { parseWitnesses } from './witness-options.ts';

/** Reads a list of witnesses. A single text, as in the environment, separates them by spaces. */
function readWitnesses(source: string, value: unknown): readonly string[] {
  const texts = typeof value === 'string' ? value.trim().split(/\s+/) : value;
  if (!Array.isArray(texts) || !texts.every(text => typeof text === 'string')) {
    throw new ConfigError(`${source} must be URL=VKEY, not ${JSON.stringify(value)}`);
  }
  try {
    parseWitnesses(texts);
  } catch (error) {
    throw new ConfigError(`${source} ${(error as Error).message}`);
  }
  return texts;
}

/** Options of the public ledger and its witnesses. */
export const ledgerOptions = {
  ledgerOrigin: optionalText('Name of the ledger, such as coordinator.example/ledger; fixed at first start', {
    unit: 'NAME',
  }),
  ledgerKey: optionalText(
    'Key that signs the ledger; unless given, ledger-key.pem in the data folder if it exists, else the signing key',
    { unit: 'FILE' },
  ),
  ledgerCheckpoint: optionalText(
    'File that keeps the last signed checkpoint; ledger-checkpoint in the data folder unless given',
    { unit: 'FILE' },
  ),
  ledgerInterval: numberOption(
    1,
    'Shortest time between two checkpoints of the ledger',
    'SECONDS',
    0.05,
    3600,
  ),
  witness: {
    kind: 'witnesses',
    default: [] as readonly string[],
    about: 'Address and key of a witness that cosigns the ledger; repeat it for up to 14 witnesses',
    unit: 'URL=VKEY',
    read: readWitnesses,
  },
  witnessQuorum: integerOption(
    0,
    'How many witnesses the published policy requires; 0 means more than half',
    'NUMBER',
    0,
    14,
  ),
  witnessTimeoutSeconds: numberOption(
    2,
    'How long a checkpoint waits for its witnesses to cosign',
    'SECONDS',
    0.05,
    60,
  ),
} as const satisfies OptionTable;

export type LedgerConfig = ValuesOf<typeof ledgerOptions>;
