import { integer, type OptionTable, optionalText, text, type ValuesOf } from '../option.ts';

/** Where the coordinator keeps its data. */
export const storeOptions = {
  data: text('./data', 'Folder of the database and the signing key', { unit: 'DIR' }),
  databaseUrl: optionalText('postgres://… for several coordinators; SQLite in the data folder unless given', {
    unit: 'URL',
  }),
  databasePoolSize: integer(
    10,
    'Connections to PostgreSQL that read; one more writes, one listens',
    'NUMBER',
    1,
    1000,
  ),
  databaseTimeoutSeconds: integer(
    10,
    'PostgreSQL gives up a statement, or an idle transaction, after so long',
    'SECONDS',
    1,
    600,
  ),
  maxBatch: integer(512, 'Writes in one transaction', 'NUMBER', 1, 10_000),
  coordinatorId: optionalText('Name in receipts; made at first start unless given', {
    unit: 'NAME',
    ascii: true,
  }),
} as const satisfies OptionTable;

export type StoreConfig = ValuesOf<typeof storeOptions>;
