import { type Static, Type } from 'typebox';

/** The caller's account. All amounts are in credits with at most 6 decimals. */
export const Account = Type.Object(
  {
    address: Type.String({ description: 'The address that the account is paid at: `ait1…`.' }),
    balance: Type.Number({
      description: 'Credits earned and granted, less those paid. Below 0 for an account in debt.',
    }),
    reserved: Type.Number({
      description: 'The most that unfinished jobs may still cost, for prepaid accounts.',
    }),
    available: Type.Number({ description: '`balance` minus `reserved`.' }),
    billing: Type.Enum(['postpaid', 'prepaid'], {
      type: 'string',
      description: '`prepaid`: jobs are only accepted when `available` covers them.',
    }),
  },
  { $id: 'Account' },
);
export type Account = Static<typeof Account>;
