import { type Static, Type } from 'typebox';

/** What an account has earned, and what it was paid for that outside of this network. */
export const EarningsTotals = Type.Object(
  {
    earned: Type.Number({ description: 'The prices of all receipts that name the account as provider.' }),
    paid: Type.Number({ description: 'All payouts to it that were not withdrawn.' }),
    confirmed: Type.Number({ description: 'The payouts that it confirmed.' }),
    disputed: Type.Number({ description: 'The payouts that it disputes.' }),
    open: Type.Number({ description: '`earned` minus `paid`.' }),
    payable: Type.Number({
      description:
        'The most that a payout can be: `open`, or what the account has not spent or reserved of it.',
    }),
  },
  { $id: 'EarningsTotals' },
);
export type EarningsTotals = Static<typeof EarningsTotals>;

/** The caller's account. All amounts are in credits with at most 6 decimals. */
export const Account = Type.Object(
  {
    address: Type.String({ description: 'The address that the account is paid at: `ait1…`.' }),
    balance: Type.Number({
      description:
        'Credits earned and granted, less those spent and paid out. Below 0 for an account in debt.',
    }),
    reserved: Type.Number({
      description: 'The most that unfinished jobs may still cost, for prepaid accounts.',
    }),
    available: Type.Number({ description: '`balance` minus `reserved`.' }),
    billing: Type.Enum(['postpaid', 'prepaid'], {
      type: 'string',
      description: '`prepaid`: jobs are only accepted when `available` covers them.',
    }),
    earnings: EarningsTotals,
  },
  { $id: 'Account' },
);
export type Account = Static<typeof Account>;
