import { hash } from 'node:crypto';
import type {
  ConfirmPayout,
  NewPayout,
  Payout,
  PayoutStatus,
  PayoutUpdate,
  PublishedPayout,
  Signature,
  TrackedPayout,
} from '@aitbc/protocol';
import { addressFromPublicKey, canonicalJson, roundCredits, verifyPayoutAnswer } from '@aitbc/receipts';
import { findAccountId, requireAddress } from '../accounts/accounts.ts';
import type { Principal } from '../accounts/keys.ts';
import type { AccountConfig } from '../accounts/options.ts';
import type { Actor } from '../audit/record-actions.ts';
import { fail } from '../errors.ts';
import type { Ids } from '../ids.ts';
import type { PublicLedger } from '../ledger/ledger.ts';
import { type ListPage, nextPlace } from '../list-page.ts';
import { type Operation, unwrap } from '../store/operation.ts';
import type { Store } from '../store/store.ts';
import type { PayoutInput, PayoutOutput } from './create-payouts.ts';
import { updateIdsOf } from './payout.ts';
import { findEntries, findPayout, hasMinerKey, listPayouts, type PayoutRow } from './queries.ts';
import type { PayoutUpdateInput } from './update-payouts.ts';

/** What a provider answers to a payout. */
export interface ProviderAnswer extends ConfirmPayout {
  status: 'confirmed' | 'disputed';
  reason: string | null;
}

/** Each method throws RequestError. */
export interface PayoutService {
  /** Records a payout. A repeated request with the same idempotency key returns the first payout. */
  create(
    principal: Principal,
    actor: Actor,
    request: NewPayout,
    idempotencyKey: string | undefined,
  ): Promise<{ payout: TrackedPayout; replayed: boolean }>;
  /** Confirms or disputes a payout. The caller is its provider by API key, or has the provider's signature. */
  answer(
    principal: Principal | undefined,
    actor: Actor,
    id: string,
    answer: ProviderAnswer,
  ): Promise<TrackedPayout>;
  /** Takes a payout back, so that its credits are owed again. */
  withdraw(actor: Actor, id: string, reason: string): Promise<TrackedPayout>;
  /** Returns a payout with its place in the ledger, which is null until the ledger has published it. */
  get(id: string): Promise<PublishedPayout>;
  /** Returns the payout, or an update of one, as a `.tlog-proof` file, which can be verified offline. */
  proof(id: string): Promise<string>;
  /** Returns a page of payouts, newest first, and the id before which the next page starts. */
  list(page: {
    limit: number;
    before: string | undefined;
    account: string | undefined;
    status: PayoutStatus | undefined;
  }): Promise<ListPage<TrackedPayout>>;
}

export interface PayoutServiceOptions {
  config: Pick<AccountConfig, 'idempotencySeconds'>;
  store: Store;
  ids: Ids;
  ledger: PublicLedger;
  coordinatorId: string;
  operations: {
    createPayouts: Operation<PayoutInput, PayoutOutput>;
    updatePayouts: Operation<PayoutUpdateInput, undefined>;
  };
}

export function createPayoutService({
  config,
  store,
  ids,
  ledger,
  coordinatorId,
  operations,
}: PayoutServiceOptions): PayoutService {
  const find = async (id: string): Promise<PayoutRow> =>
    (await findPayout(store.read, id)) ?? fail('PAYOUT_NOT_FOUND', 'There is no such payout');

  async function track(rows: readonly PayoutRow[]): Promise<TrackedPayout[]> {
    const entries = await findEntries(
      store.read,
      rows.flatMap(row => [row.id, ...updateIdsOf(row)]),
    );
    const statement = <T>(id: string): T => JSON.parse(entries.get(id)?.body ?? missing(id));
    return rows.map(row => ({
      status: row.status,
      payout: statement<Payout>(row.id),
      updates: updateIdsOf(row).map(statement<PayoutUpdate>),
    }));
  }

  async function tracked(id: string): Promise<TrackedPayout> {
    const [payout] = await track([await find(id)]);
    return payout ?? missing(id);
  }

  async function update(
    { id, address }: PayoutRow,
    change: Pick<PayoutUpdateInput, 'status' | 'reason' | 'signature' | 'actor'>,
  ): Promise<TrackedPayout> {
    const input = { payoutId: id, to: address, updateId: ids.next('update'), nonce: ids.hex(16), ...change };
    unwrap(await store.write(operations.updatePayouts, input));
    return await tracked(id);
  }

  /** Throws unless the signature is the provider's, over this answer. */
  async function requireSignature(
    payout: PayoutRow,
    { status, reason }: ProviderAnswer,
    signature: Signature,
  ): Promise<void> {
    const { id: payout_id, address: to, amount } = payout;
    const signed = {
      ...{ payout_id, to, amount: amount / 1e6 },
      ...{ coordinator_id: coordinatorId, status, reason },
    };
    if (!(await verifyPayoutAnswer(signed, signature)))
      fail('PAYOUT_INVALID_SIGNATURE', 'The signature does not fit this answer and the key that it names', {
        field: 'signature',
      });
    const { key_id } = signature;
    if (addressFromPublicKey(key_id) === to) return;
    if (await hasMinerKey(store.read, payout.account_id, key_id)) return;
    fail(
      'PAYOUT_INVALID_SIGNATURE',
      `${key_id} is neither the key of ${to}, nor of a miner that its owner has registered`,
      { field: 'signature' },
    );
  }

  return {
    async create({ accountId }, actor, request, key) {
      const { to, amount, method, reference } = request;
      requireAddress(to, 'to');
      if (roundCredits(amount) !== amount)
        fail('VALIDATION_OUT_OF_RANGE', 'amount must have at most 6 decimals', { field: 'amount' });
      const requestHash = hash('sha256', canonicalJson(request));
      const idempotency = key && { key, requestHash, lastsMs: config.idempotencySeconds * 1000 };
      const statement = { payoutId: ids.next('payout'), nonce: ids.hex(16), to, amount, method, reference };
      const input = { accountId, actor, ...statement, ...(idempotency && { idempotency }) };
      const { id, replayed } = unwrap(await store.write(operations.createPayouts, input));
      return { payout: await tracked(id), replayed };
    },

    async answer(principal, actor, id, answer) {
      const payout = await find(id);
      const { status, reason, signature } = answer;
      if (signature) await requireSignature(payout, answer, signature);
      else if (!principal || principal.anonymous)
        fail('AUTH_MISSING_KEY', 'Send an API key of the account that was paid, or sign with its key');
      else if (principal.accountId !== payout.account_id)
        fail('AUTH_INSUFFICIENT_SCOPE', 'Only the account that was paid can answer, or who has its key');
      return await update(payout, { status, reason, signature: signature && copyOf(signature), actor });
    },

    async withdraw(actor, id, reason) {
      const change = { status: 'withdrawn', reason, signature: undefined, actor } as const;
      return await update(await find(id), change);
    },

    async get(id) {
      const payout = await tracked(id);
      const entry = (await findEntries(store.read, [id])).get(id) ?? missing(id);
      return { ...payout, inclusion: await ledger.inclusion(entry) };
    },

    async proof(id) {
      const entry = (await findEntries(store.read, [id])).get(id);
      if (entry?.type !== 'payout' && entry?.type !== 'payout_update')
        return fail('PAYOUT_NOT_FOUND', 'There is no such payout, or update of one');
      const proof = await ledger.tlogProof(entry);
      if (proof !== null) return proof;
      fail('PAYOUT_NOT_FOUND', 'The ledger has not published this yet', { retryAfter: 1 });
    },

    async list({ limit, before, account, status }) {
      if (account !== undefined) requireAddress(account, 'account');
      const accountId = account === undefined ? undefined : await findAccountId(store.read, account);
      if (account !== undefined && accountId === undefined) return { items: [], next: undefined };
      const rows = await listPayouts(store.read, { accountId, status, before, limit });
      return { items: await track(rows), next: nextPlace(rows, limit, row => row.id) };
    },
  };
}

/** A member that is not part of a signature would make the statement invalid. */
const copyOf = ({ alg, key_id, sig }: Signature): Signature => ({ alg, key_id, sig });

const missing = (id: string): never => {
  throw new Error(`The statement ${id} is missing in the store`);
};
