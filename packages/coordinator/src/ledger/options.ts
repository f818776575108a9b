import { ConfigError, integer, number, type OptionTable, optionalText, type ValuesOf } from '../option.ts';
import { parseWitnesses } from './witness-options.ts';

/** In the environment with spaces between them, which neither addresses nor keys have. */
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

/** The public log, and its witnesses. */
export const ledgerOptions = {
  ledgerOrigin: optionalText('Name of the ledger, such as coordinator.example/ledger; fixed at first start', {
    unit: 'NAME',
  }),
  ledgerKey: optionalText(
    'Key that the ledger is signed with; ledger-key.pem in the data folder, or the signing key, unless given',
    { unit: 'FILE' },
  ),
  ledgerCheckpoint: optionalText(
    'Where the last signed checkpoint is kept; ledger-checkpoint in the data folder unless given',
    { unit: 'FILE' },
  ),
  ledgerInterval: number(1, 'The ledger is published at most so often', 'SECONDS', 0.05, 3600),
  witness: {
    kind: 'witnesses',
    default: [] as readonly string[],
    about: 'A witness to cosign the ledger, by its address and its key; as often as needed, up to 14',
    unit: 'URL=VKEY',
    read: readWitnesses,
  },
  witnessQuorum: integer(
    0,
    'How many witnesses the published policy demands; 0: more than half',
    'NUMBER',
    0,
    14,
  ),
  witnessTimeoutSeconds: number(
    2,
    'How long witnesses get to cosign, which a checkpoint waits for',
    'SECONDS',
    0.05,
    60,
  ),
} as const satisfies OptionTable;

export type LedgerConfig = ValuesOf<typeof ledgerOptions>;
