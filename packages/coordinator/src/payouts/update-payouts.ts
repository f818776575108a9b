import type { PayoutUpdate, Signature, UnsignedPayoutUpdate } from '@aitbc/protocol';
import { PAYOUT_VERSION } from '@aitbc/protocol/versions';
import { payoutEntry, signPayoutUpdate } from '@aitbc/receipts';
import { NOBODY } from '../accounts/move-credits.ts';
import { type Actor, recordActions } from '../audit/record-actions.ts';
import type { Issuer } from '../define-module.ts';
import { appendEntries } from '../ledger/entries.ts';
import { done, failed, type Operation, type Outcome, type WriteContext } from '../store/operation.ts';
import type { Row } from '../store/schema.ts';
import { mayBecome, updateIdsOf } from './payout.ts';

export interface PayoutUpdateInput {
  payoutId: string;
  /** The address of the payout. */
  to: string;
  updateId: string;
  nonce: string;
  status: PayoutUpdate['status'];
  reason: string | null;
  /** Of the provider, verified. */
  signature: Signature | undefined;
  actor: Actor;
}

const ACTIONS = {
  confirmed: 'payout.confirm',
  disputed: 'payout.dispute',
  withdrawn: 'payout.withdraw',
} as const;

type SumOfPayouts = 'paid_out' | 'payouts_confirmed' | 'payouts_disputed';

/** Columns of an account that have the sum of payouts with a status. */
const SUM_OF: Readonly<Record<Row<'payout'>['status'], readonly SumOfPayouts[]>> = {
  unanswered: ['paid_out'],
  confirmed: ['paid_out', 'payouts_confirmed'],
  disputed: ['paid_out', 'payouts_disputed'],
  withdrawn: [],
};

/**
 * Signs what was said about payouts and appends it to the ledger. Saying the same again changes nothing. A withdrawn
 * payout raises the balance again.
 */
export const updatePayouts = (issuer: Issuer): Operation<PayoutUpdateInput, undefined> => ({
  name: 'payouts.update',
  async apply(inputs, context) {
    const outcomes: Outcome<undefined>[] = [];
    for (const input of inputs) outcomes.push(await update(input, issuer, context));
    return outcomes;
  },
});

async function update(
  input: PayoutUpdateInput,
  issuer: Issuer,
  context: WriteContext,
): Promise<Outcome<undefined>> {
  const { tx } = context;
  const { payoutId, status, reason } = input;
  const [payout] = await tx.load('payout', 'id', [payoutId]);
  if (!payout) return failed('PAYOUT_NOT_FOUND', 'There is no such payout');
  if (payout.status === status && (await lastReason(payout, context)) === reason) return done(undefined);
  if (!mayBecome(payout, status))
    return failed('PAYOUT_INVALID_STATUS', `This payout is ${payout.status}, so it can not be ${status}`);

  const { updateId: id, signature } = input;
  const body = await sign(input, payout, issuer, context);
  const amount = status === 'withdrawn' ? payout.amount : 0;
  const moved = { payerId: NOBODY, payeeId: payout.account_id, amount };
  await appendEntries([{ id, type: 'payout_update', jobId: null, ...moved, body }], context);

  const update_ids = JSON.stringify([...updateIdsOf(payout), id]);
  await tx.update('payout', [{ id: payoutId, status, update_ids }]);
  const add = (column: SumOfPayouts, amount: number) => ({ id: payout.account_id, [column]: amount });
  await tx.add('account', [
    ...SUM_OF[payout.status].map(column => add(column, -payout.amount)),
    ...SUM_OF[status].map(column => add(column, payout.amount)),
  ]);

  const details = {
    ...(reason !== null && { reason }),
    ...(signature && { signed_by: signature.key_id }),
  };
  await recordActions([{ actor: input.actor, action: ACTIONS[status], target: payoutId, details }], context);
  return done(undefined);
}

async function lastReason(payout: Row<'payout'>, { tx }: WriteContext): Promise<string | null> {
  const [last] = await tx.load('entry', 'id', updateIdsOf(payout).slice(-1));
  if (!last) throw new Error(`What was said about ${payout.id} is missing in the store`);
  return (JSON.parse(last.body) as PayoutUpdate).metadata.reason ?? null;
}

async function sign(
  { payoutId, to, updateId, nonce, status, reason, signature }: PayoutUpdateInput,
  { amount }: Row<'payout'>,
  { coordinatorId, signer }: Issuer,
  { now }: WriteContext,
): Promise<string> {
  const unsigned: UnsignedPayoutUpdate = {
    type: 'payout_update',
    version: PAYOUT_VERSION,
    update_id: updateId,
    payout_id: payoutId,
    to,
    amount: amount / 1e6,
    status,
    coordinator_id: coordinatorId,
    created_at: Math.floor(now / 1000),
    nonce,
    metadata: { ...(reason !== null && { reason }), ...(signature && { signatures: [signature] }) },
  };
  return Buffer.from(payoutEntry(await signPayoutUpdate(unsigned, signer))).toString();
}
