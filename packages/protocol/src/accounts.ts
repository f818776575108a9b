import { type Static, Type } from 'typebox';

/** What the caller's account has. All in credits, at most 6 decimals. */
export const Account = Type.Object(
  {
    address: Type.String({ description: 'Where it is paid at: `ait1…`.' }),
    balance: Type.Number({ description: 'Earned and granted, less what was owed. Below 0 where one owes.' }),
    reserved: Type.Number({
      description: 'What jobs that have not ended may yet cost, where one pays ahead.',
    }),
    available: Type.Number({ description: 'Balance less reserved.' }),
    billing: Type.Enum(['postpaid', 'prepaid'], {
      type: 'string',
      description: 'Whether jobs are only taken when `available` covers them.',
    }),
  },
  { $id: 'Account' },
);
export type Account = Static<typeof Account>;
