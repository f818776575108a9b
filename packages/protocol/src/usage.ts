import { type Static, type TProperties, Type } from 'typebox';
import { Address, CLOSED, MinerId, Model, Nullable } from './common.ts';
import { LIMITS } from './limits.ts';

const Day = Type.String({
  pattern: '^[0-9]{4}-[0-9]{2}-[0-9]{2}$',
  description: 'A day in UTC.',
  examples: ['2026-01-24'],
});

const count = (description: string) => Type.Integer({ minimum: 0, description });

const tokens = {
  tokens_in: count('Tokens of prompts, as miners reported them.'),
  tokens_out: count('Tokens of answers.'),
};

/** Sums of usage. It has the fields that `group_by` names. */
export const UsageRow = Type.Object(
  {
    day: Type.Optional(Day),
    account: Type.Optional(Nullable(Type.String())),
    key_id: Type.Optional(
      Nullable(
        Type.String({ description: 'Null for requests without a key, and for jobs of older versions.' }),
      ),
    ),
    model: Type.Optional(Type.String()),
    jobs: count('Jobs that ended.'),
    failed: count('Those that failed.'),
    cancelled: count('Those that were cancelled.'),
    ...tokens,
    credits: Type.Number({ description: 'What they cost.' }),
  },
  { $id: 'UsageRow' },
);
export type UsageRow = Static<typeof UsageRow>;

/** Sums of earnings. It has the fields that `group_by` names. */
export const EarningsRow = Type.Object(
  {
    day: Type.Optional(Day),
    account: Type.Optional(Nullable(Type.String())),
    miner_id: Type.Optional(Type.String()),
    model: Type.Optional(Type.String()),
    jobs: count('Runs that were paid.'),
    ...tokens,
    credits: Type.Number({ description: 'What they earned.' }),
  },
  { $id: 'EarningsRow' },
);
export type EarningsRow = Static<typeof EarningsRow>;

const reportQuery = <Filters extends TProperties>(groups: string, usual: string, filters: Filters) =>
  Type.Object(
    {
      from: Type.Optional({ ...Day, description: 'The first day. Default: 30 days before `to`.' }),
      to: Type.Optional({ ...Day, description: 'The last day. Default: today.' }),
      group_by: Type.Optional(
        Type.String({
          maxLength: 64,
          pattern: `^(${groups})(,(${groups}))*$`,
          description: `What to sum up by, joined by commas: some of ${groups.replaceAll('|', ', ')}. Default: ${usual}.`,
          examples: [usual],
        }),
      ),
      account: Type.Optional(
        Address('Only this account. Only administrators see other accounts than their own.'),
      ),
      ...filters,
      limit: Type.Optional(
        Type.Integer({
          minimum: 1,
          maximum: LIMITS.reportPageSize,
          default: LIMITS.reportPageSize,
          description: 'Rows on a page.',
        }),
      ),
      cursor: Type.Optional(
        Type.String({
          maxLength: 512,
          pattern: '^[A-Za-z0-9_-]+$',
          description: 'Where the page starts, from the `Link` header of the page before.',
        }),
      ),
    },
    CLOSED,
  );

export const ListUsage = reportQuery('day|account|key|model', 'day,key,model', {
  key: Type.Optional(Type.String({ maxLength: 64, description: 'Only the key with this id.' })),
  model: Type.Optional(Model),
});
export type ListUsage = Static<typeof ListUsage>;

export const ListEarnings = reportQuery('day|account|miner|model', 'day,miner,model', {
  miner: Type.Optional(MinerId),
  model: Type.Optional(Model),
});
export type ListEarnings = Static<typeof ListEarnings>;
