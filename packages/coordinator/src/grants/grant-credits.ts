import type { UnsignedGrant } from '@aitbc/protocol';
import { GRANT_VERSION } from '@aitbc/protocol/versions';
import { grantEntry, microCredits, type Signer, signGrant } from '@aitbc/receipts';
import { findOrCreateAccounts } from '../accounts/accounts.ts';
import { loadRepeated, type Repeatable } from '../accounts/idempotency.ts';
import { type Actor, recordActions } from '../audit/record-actions.ts';
import { appendEntries } from '../ledger/entries.ts';
import { done, failed, type Operation, type Outcome, type WriteContext } from '../store/operation.ts';

export interface GrantInput extends Repeatable {
  grantId: string;
  nonce: string;
  to: string;
  /** In credits. */
  amount: number;
  reason: string | undefined;
  actor: Actor;
}

export interface GrantOutput {
  grant: string;
  replayed: boolean;
}

export interface GrantOptions {
  coordinatorId: string;
  signer: Signer;
}

/** The largest balance in micro-credits. It leaves room for later earnings: a double is exact up to 9e15. */
const MAX_BALANCE = 4e15;

type Decision = Outcome<never> | { id: string; replayed: boolean };

/** Signs grants and appends them to the ledger, which also moves the balances. */
export const grantCredits = (policy: GrantOptions): Operation<GrantInput, GrantOutput> => ({
  name: 'grants.grant',
  async apply(inputs, context) {
    const repeated = await loadRepeated(inputs, context);
    const accounts = await findOrCreateAccounts(
      inputs.map(({ to }) => ({ address: to, name: null })),
      context,
    );
    const balances = new Map([...accounts].map(([address, { balance }]) => [address, balance]));
    const fresh: GrantInput[] = [];

    const decisions = inputs.map((input): Decision => {
      const before = repeated.answer(input);
      if (before) return before.ok ? { id: before.value[0] ?? '', replayed: true } : before;
      const balance = (balances.get(input.to) ?? 0) + microCredits(input.amount);
      if (balance > MAX_BALANCE) return balanceTooLarge(input.to);
      balances.set(input.to, balance);
      repeated.note(input, [input.grantId]);
      fresh.push(input);
      return { id: input.grantId, replayed: false };
    });

    await repeated.save();
    const bodies = await issue(fresh, accounts, policy, context);
    const old = decisions.flatMap(each => ('id' in each && !bodies.has(each.id) ? [each.id] : []));
    for (const { id, body } of await context.tx.load('entry', 'id', [...new Set(old)])) bodies.set(id, body);
    return decisions.map(each => {
      if (!('id' in each)) return each;
      const grant = bodies.get(each.id);
      if (grant === undefined) throw new Error(`The grant ${each.id} is missing in the store`);
      return done({ grant, replayed: each.replayed });
    });
  },
});

/** Signs new grants and returns their JSON by id. */
async function issue(
  inputs: readonly GrantInput[],
  accounts: Awaited<ReturnType<typeof findOrCreateAccounts>>,
  { coordinatorId, signer }: GrantOptions,
  context: WriteContext,
): Promise<Map<string, string>> {
  const created_at = Math.floor(context.now / 1000);
  const statements = inputs.map(async ({ grantId, nonce, to, amount, reason }) => {
    const unsigned: UnsignedGrant = {
      type: 'grant',
      version: GRANT_VERSION,
      grant_id: grantId,
      to,
      amount,
      coordinator_id: coordinatorId,
      created_at,
      nonce,
      metadata: reason === undefined ? {} : { reason },
    };
    const payee = accounts.get(to);
    if (!payee) throw new Error(`The account of ${to} is missing in the store`);
    return {
      id: grantId,
      type: 'grant' as const,
      jobId: null,
      payerId: null,
      payeeId: payee.id,
      amount: microCredits(amount),
      body: Buffer.from(grantEntry(await signGrant(unsigned, signer))).toString(),
    };
  });
  const entries = await Promise.all(statements);
  await appendEntries(entries, context);
  await recordActions(
    inputs.map(({ actor, grantId, to, amount, reason }) => ({
      ...{ actor, action: 'credits.grant' as const, target: to },
      details: { grant_id: grantId, amount, ...(reason !== undefined && { reason }) },
    })),
    context,
  );
  return new Map(entries.map(({ id, body }) => [id, body]));
}

const balanceTooLarge = (address: string) =>
  failed('VALIDATION_OUT_OF_RANGE', `${address} would have more than ${MAX_BALANCE / 1e6} credits`, {
    field: 'amount',
  });
