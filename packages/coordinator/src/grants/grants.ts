import { hash } from 'node:crypto';
import type { Grant, NewGrant, PublishedGrant } from '@aitbc/protocol';
import { canonicalJson, roundCredits } from '@aitbc/receipts';
import { requireAddress } from '../accounts/accounts.ts';
import type { Principal } from '../accounts/keys.ts';
import type { AccountConfig } from '../accounts/options.ts';
import { fail } from '../errors.ts';
import type { Ids } from '../ids.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { type Operation, unwrap } from '../store/operation.ts';
import type { Row } from '../store/schema.ts';
import type { Store } from '../store/store.ts';
import type { GrantInput, GrantOutput } from './grant-credits.ts';
import { findGrant, listGrants } from './queries.ts';

/** Each throws RequestError. */
export interface Grants {
  /** Gives credits to an address. With an idempotency key, a repeated request answers the grant of the first. */
  grant(principal: Principal, request: NewGrant, idempotencyKey: string | undefined): Promise<GrantOutput>;
  /** With its place in the ledger, once that was published. */
  get(id: string): Promise<PublishedGrant>;
  /** As a `.tlog-proof` file, which can be verified offline. */
  proof(id: string): Promise<string>;
  /** A page of grants, newest first, and the place behind which the next one starts. */
  list(page: {
    limit: number;
    before: number | undefined;
  }): Promise<{ grants: Grant[]; next: number | undefined }>;
}

export interface GrantsOptions {
  config: Pick<AccountConfig, 'idempotencySeconds'>;
  store: Store;
  ids: Ids;
  ledger: Ledger;
  operations: { grantCredits: Operation<GrantInput, GrantOutput> };
}

export function createGrants({ config, store, ids, ledger, operations }: GrantsOptions): Grants {
  async function find(id: string): Promise<Row<'entry'>> {
    return (await findGrant(store.read, id)) ?? fail('TRANSACTION_NOT_FOUND', 'Grant not found');
  }

  return {
    async grant({ accountId }, request, key) {
      const { to, amount, reason } = request;
      requireAddress(to, 'to');
      if (roundCredits(amount) !== amount)
        fail('VALIDATION_OUT_OF_RANGE', 'amount must have at most 6 decimals', { field: 'amount' });
      const requestHash = hash('sha256', canonicalJson(request));
      const idempotency = key && { key, requestHash, lastsMs: config.idempotencySeconds * 1000 };
      const input = { accountId, grantId: ids.next('grant'), nonce: ids.hex(16), to, amount, reason };
      return unwrap(
        await store.write(operations.grantCredits, { ...input, ...(idempotency && { idempotency }) }),
      );
    },
    async get(id) {
      const grant = await find(id);
      return { ...JSON.parse(grant.body), inclusion: await ledger.inclusion(grant) };
    },
    async proof(id) {
      const proof = await ledger.tlogProof(await find(id));
      if (proof !== null) return proof;
      fail('TRANSACTION_NOT_FOUND', 'The ledger has not published this grant yet', { retryAfter: 1 });
    },
    async list({ limit, before }) {
      const found = await listGrants(store.read, before, limit);
      return {
        grants: found.map(({ body }) => JSON.parse(body)),
        next: found.length < limit ? undefined : found.at(-1)?.leaf_index,
      };
    },
  };
}
