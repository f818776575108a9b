import type { PayoutStatus } from '@aitbc/protocol';
import type { Row } from '../store/schema.ts';

/** What may become of a payout, by what it is. A provider that disputes a payout may find the payment later. */
const NEXT: Readonly<Record<PayoutStatus, readonly PayoutStatus[]>> = {
  unanswered: ['confirmed', 'disputed', 'withdrawn'],
  disputed: ['confirmed', 'withdrawn'],
  confirmed: [],
  withdrawn: [],
};

export const mayBecome = (payout: Pick<Row<'payout'>, 'status'>, status: PayoutStatus): boolean =>
  NEXT[payout.status].includes(status);

/** The ids of what was said about a payout, oldest first. */
export const updateIdsOf = ({ update_ids }: Pick<Row<'payout'>, 'update_ids'>): string[] =>
  JSON.parse(update_ids);
