import { integerOption, type OptionTable, optionalText, text, type ValuesOf } from '../option.ts';

/** Options of the database. */
export const storeOptions = {
  data: text('./data', 'Folder of the database and the signing key', { unit: 'DIR' }),
  databaseUrl: optionalText('postgres://… for several coordinators; without it, SQLite in the data folder', {
    unit: 'URL',
    withoutSecrets: hidePassword,
  }),
  databasePoolSize: integerOption(
    10,
    'Connections to PostgreSQL that read; two more write and listen',
    'NUMBER',
    1,
    1000,
  ),
  databaseTimeoutSeconds: integerOption(
    10,
    'PostgreSQL cancels a statement or an idle transaction after this time',
    'SECONDS',
    1,
    600,
  ),
  maxBatch: integerOption(128, 'The most writes in one transaction', 'NUMBER', 1, 10_000),
  coordinatorId: optionalText('Name in receipts; generated at the first start unless given', {
    unit: 'NAME',
    ascii: true,
  }),
} as const satisfies OptionTable;

export type StoreConfig = ValuesOf<typeof storeOptions>;

/** Hides the password of an address, and its parameters, which may have another one. */
function hidePassword(address: string): string {
  if (!URL.canParse(address)) return '***';
  const url = new URL(address);
  if (url.password !== '') url.password = '***';
  if (url.search !== '') url.search = '***';
  return url.href;
}
