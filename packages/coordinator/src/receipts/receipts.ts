import type { ListReceipts, PublicKeys, Receipt } from '@aitbc/protocol';
import { accountIdAt } from '../accounts/accounts.ts';
import { done, type Operation, refuse } from '../store/operation.ts';
import type { Store } from '../store/store.ts';
import { findReceipt, listReceipts, listSigningKeys } from './queries.ts';

/** Each throws Refused. */
export interface Receipts {
  get(id: string): Promise<Receipt>;
  /** A page of receipts, newest first, and the id behind which the next one starts. */
  list(
    query: ListReceipts & { limit: number; before: string | undefined },
  ): Promise<{ receipts: Receipt[]; next: string | undefined }>;
  keys(): Promise<PublicKeys>;
}

export function createReceipts(store: Store, coordinatorId: string): Receipts {
  return {
    async get(id) {
      const receipt = await findReceipt(store.read, id);
      if (!receipt) refuse('RECEIPT_NOT_FOUND', 'Receipt not found');
      return JSON.parse(receipt.body);
    },
    async list({ client, provider, limit, before }) {
      const clientId = client === undefined ? undefined : await accountIdAt(store.read, client);
      const providerId = provider === undefined ? undefined : await accountIdAt(store.read, provider);
      const unknown =
        (client !== undefined && clientId === undefined) ||
        (provider !== undefined && providerId === undefined);
      if (unknown) return { receipts: [], next: undefined };
      const page = await listReceipts(store.read, { clientId, providerId, before, limit });
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
          created_at: new Date(key.created_at).toISOString(),
          retired_at: key.retired_at === null ? null : new Date(key.retired_at).toISOString(),
        })),
      };
    },
  };
}

/** Records the key that signs from now on, and retires the one before: old receipts verify with it all the same. */
export const publishKey: Operation<{ keyId: string }, undefined> = {
  name: 'receipts.publish-key',
  order: 0,
  async apply(inputs, { tx, now }) {
    for (const { keyId } of inputs) {
      await tx.query(
        'UPDATE signing_key SET retired_at = ? WHERE retired_at IS NULL AND key_id <> ? RETURNING key_id',
        [now, keyId],
      );
      await tx.upsert('signing_key', ['key_id'], [await keyRow(keyId)]);
    }
    return inputs.map(() => done(undefined));

    async function keyRow(keyId: string) {
      const [known] = await tx.load('signing_key', 'key_id', [keyId]);
      return { key_id: keyId, created_at: known?.created_at ?? now, retired_at: null };
    }
  },
};
