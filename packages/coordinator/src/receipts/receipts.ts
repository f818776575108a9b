import type { ListReceipts, PublicKeys, PublishedReceipt, Receipt } from '@aitbc/protocol';
import { findAccountId } from '../accounts/accounts.ts';
import { fail } from '../errors.ts';
import type { PublicLedger } from '../ledger/ledger.ts';
import { isoTime } from '../store/numbers.ts';
import { done, failed, type Operation, type Outcome } from '../store/operation.ts';
import type { Row } from '../store/schema.ts';
import type { Store } from '../store/store.ts';
import { findPayee, findReceipt, listReceipts, listSigningKeys } from './queries.ts';

/** Each method throws RequestError. */
export interface ReceiptService {
  /** Returns a receipt with its place in the ledger, which is null until the ledger has published it. */
  get(id: string): Promise<PublishedReceipt>;
  /** Returns the receipt alone, as it was signed. */
  signed(id: string): Promise<Receipt>;
  /** Returns the receipt as a `.tlog-proof` file, which can be verified offline. */
  proof(id: string): Promise<string>;
  /** Returns a page of receipts, newest first, and the log position after which the next page starts. */
  list(
    query: ListReceipts & { limit: number; before: number | undefined },
  ): Promise<{ receipts: Receipt[]; next: number | undefined }>;
  keys(): Promise<PublicKeys>;
}

export function createReceiptService(
  store: Store,
  coordinatorId: string,
  ledger: PublicLedger,
): ReceiptService {
  async function find(id: string): Promise<Row<'entry'>> {
    return (await findReceipt(store.read, id)) ?? fail('RECEIPT_NOT_FOUND', 'Receipt not found');
  }

  return {
    async get(id) {
      const receipt = await find(id);
      return { ...JSON.parse(receipt.body), inclusion: await ledger.inclusion(receipt) };
    },
    async signed(id) {
      return JSON.parse((await find(id)).body);
    },
    async proof(id) {
      const receipt = await find(id);
      const proof = await ledger.tlogProof(receipt);
      if (proof !== null) return proof;
      if (receipt.leaf_index < 0)
        fail('RECEIPT_NOT_FOUND', 'This receipt is in the earlier ledger, which a restore replaced');
      fail('RECEIPT_NOT_FOUND', 'The ledger has not published this receipt yet', { retryAfter: 1 });
    },
    async list({ client, provider, miner: minerId, model, limit, before }) {
      const clientId = client === undefined ? undefined : await findAccountId(store.read, client);
      const providerId =
        provider !== undefined
          ? await findAccountId(store.read, provider)
          : minerId === undefined
            ? undefined
            : await findPayee(store.read, minerId);
      const isUnknown =
        (client !== undefined && clientId === undefined) ||
        ((provider ?? minerId) !== undefined && providerId === undefined);
      if (isUnknown) return { receipts: [], next: undefined };
      const of = { clientId, providerId, minerId, model };
      const page = await listReceipts(store.read, { ...of, before, limit });
      return { receipts: page.receipts.map(receipt => JSON.parse(receipt.body)), next: page.next };
    },
    async keys() {
      const keys = await listSigningKeys(store.read);
      return {
        keys: keys.map(key => ({
          key_id: key.key_id,
          alg: 'Ed25519' as const,
          use: 'receipts' as const,
          coordinator_id: coordinatorId,
          created_at: isoTime(key.created_at),
          retired_at: key.retired_at === null ? null : isoTime(key.retired_at),
        })),
      };
    },
  };
}

/**
 * Publishes the key that signs from now on. Fails if the database has another key, unless `rotate` is true: then that
 * key is retired, and receipts signed with it remain valid.
 */
export const admitKey: Operation<{ keyId: string; rotate: boolean }, undefined> = {
  name: 'receipts.admit-key',
  async apply(inputs, { tx, now }) {
    const outcomes: Outcome<undefined>[] = [];
    for (const { keyId, rotate } of inputs) outcomes.push(await admit(keyId, rotate));
    return outcomes;

    async function admit(keyId: string, rotate: boolean) {
      const sql = 'SELECT * FROM signing_key WHERE retired_at IS NULL';
      const [active] = await tx.query<Row<'signing_key'>>(['signing_key'], sql, []);
      if (active?.key_id === keyId) return done(undefined);
      if (active && !rotate) return failed('SYSTEM_INTERNAL_ERROR', mismatch(keyId, active.key_id));
      if (active) await tx.upsert('signing_key', [{ ...active, retired_at: now }]);
      const [known] = await tx.load('signing_key', 'key_id', [keyId]);
      const row = { key_id: keyId, created_at: known?.created_at ?? now, retired_at: null };
      await tx.upsert('signing_key', [row]);
      return done(undefined);
    }
  },
};

const mismatch = (found: string, active: string) =>
  `its key is ${found}, but the receipts in this database are signed with ${active}. Restore that key's file, or start once with --rotate-signing-key`;
