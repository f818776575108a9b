import type { UnsignedPayout } from '@aitbc/protocol';
import { PAYOUT_VERSION } from '@aitbc/protocol/versions';
import { microCredits, payoutEntry, signPayout } from '@aitbc/receipts';
import { payableOf } from '../accounts/earnings.ts';
import { loadRepeated, type Repeatable } from '../accounts/idempotency.ts';
import { NOBODY } from '../accounts/move-credits.ts';
import { type Actor, recordActions } from '../audit/record-actions.ts';
import type { Issuer } from '../define-module.ts';
import { appendEntries } from '../ledger/entries.ts';
import { done, failed, type Operation, type Outcome, type WriteContext } from '../store/operation.ts';

export interface PayoutInput extends Repeatable {
  payoutId: string;
  nonce: string;
  to: string;
  /** In credits. */
  amount: number;
  method: string;
  reference: string | undefined;
  actor: Actor;
}

export interface PayoutOutput {
  id: string;
  replayed: boolean;
}

interface Accepted extends PayoutInput {
  /** The account that was paid. */
  payeeId: number;
}

/** Signs payouts and appends them to the ledger, which also lowers the balances. None exceeds what can be paid out. */
export const createPayouts = (issuer: Issuer): Operation<PayoutInput, PayoutOutput> => ({
  name: 'payouts.create',
  async apply(inputs, context) {
    const repeated = await loadRepeated(inputs, context);
    const addresses = [...new Set(inputs.map(({ to }) => to))];
    const accounts = new Map(
      (await context.tx.load('account', 'address', addresses)).map(row => [row.address, row]),
    );
    const accepted: Accepted[] = [];

    const outcomes = inputs.map((input): Outcome<PayoutOutput> => {
      const before = repeated.answer(input);
      if (before) return before.ok ? done({ id: before.value[0] ?? '', replayed: true }) : before;
      const { payoutId: id, to, amount } = input;
      const account = accounts.get(to);
      if (!account)
        return failed('ACCOUNT_NOT_FOUND', `${to} has never taken part, so nothing can be paid out to it`, {
          field: 'to',
        });
      const payable = payableOf(account);
      if (microCredits(amount) > payable)
        return failed('PAYOUT_TOO_LARGE', tooLarge(to, payable), { field: 'amount' });
      account.paid_out += microCredits(amount);
      account.balance -= microCredits(amount);
      repeated.note(input, [id]);
      accepted.push({ ...input, payeeId: account.id });
      return done({ id, replayed: false });
    });

    await repeated.save();
    await issue(accepted, issuer, context);
    return outcomes;
  },
});

const tooLarge = (address: string, payable: number) =>
  `${address} can be paid out ${payable / 1e6} credits: what it earned, less what was paid out already, and less what it has spent or reserved of the rest`;

async function issue(
  payouts: readonly Accepted[],
  { coordinatorId, signer }: Issuer,
  context: WriteContext,
): Promise<void> {
  if (payouts.length === 0) return;
  const { tx, now } = context;
  const entries = payouts.map(async ({ payoutId, nonce, to, amount, method, reference, payeeId }) => {
    const unsigned: UnsignedPayout = {
      type: 'payout',
      version: PAYOUT_VERSION,
      payout_id: payoutId,
      to,
      amount,
      method,
      coordinator_id: coordinatorId,
      created_at: Math.floor(now / 1000),
      nonce,
      metadata: reference === undefined ? {} : { reference },
    };
    const body = Buffer.from(payoutEntry(await signPayout(unsigned, signer))).toString();
    const moved = { payerId: payeeId, payeeId: NOBODY, amount: microCredits(amount) };
    return { id: payoutId, type: 'payout' as const, jobId: null, ...moved, body };
  });
  await appendEntries(await Promise.all(entries), context);
  const rows = payouts.map(({ payoutId, payeeId, amount }) => ({
    ...{ id: payoutId, account_id: payeeId, amount: microCredits(amount) },
    ...{ status: 'unanswered' as const, update_ids: '[]' },
  }));
  await tx.insert('payout', rows);
  const paid = Map.groupBy(rows, ({ account_id }) => account_id);
  await tx.add(
    'account',
    [...paid].map(([id, rows]) => ({ id, paid_out: rows.reduce((sum, { amount }) => sum + amount, 0) })),
  );
  await recordActions(
    payouts.map(({ actor, payoutId, to, amount, method, reference }) => ({
      ...{ actor, action: 'payout.create' as const, target: payoutId },
      details: { to, amount, method, ...(reference !== undefined && { reference }) },
    })),
    context,
  );
}
