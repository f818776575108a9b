import { hash } from 'node:crypto';
import type { Grant, NewGrant, PublishedGrant } from '@aitbc/protocol';
import { canonicalJson, roundCredits } from '@aitbc/receipts';
import { requireAddress } from '../accounts/accounts.ts';
import type { Principal } from '../accounts/keys.ts';
import type { AccountConfig } from '../accounts/options.ts';
import type { Actor } from '../audit/record-actions.ts';
import { fail } from '../errors.ts';
import type { Ids } from '../ids.ts';
import type { PublicLedger } from '../ledger/ledger.ts';
import { type ListPage, nextPlace } from '../list-page.ts';
import { type Operation, unwrap } from '../store/operation.ts';
import type { Row } from '../store/schema.ts';
import type { Store } from '../store/store.ts';
import type { GrantInput, GrantOutput } from './grant-credits.ts';
import { findGrant, listGrants } from './queries.ts';

/** Each method throws RequestError. */
export interface GrantService {
  /** Grants credits to an address. A repeated request with the same idempotency key returns the first grant. */
  grant(
    principal: Principal,
    actor: Actor,
    request: NewGrant,
    idempotencyKey: string | undefined,
  ): Promise<GrantOutput>;
  /** Returns a grant with its place in the ledger, which is null until the ledger has published it. */
  get(id: string): Promise<PublishedGrant>;
  /** Returns the grant as a `.tlog-proof` file, which can be verified offline. */
  proof(id: string): Promise<string>;
  /** Returns a page of grants, newest first, and the log position after which the next page starts. */
  list(page: { limit: number; before: number | undefined }): Promise<ListPage<Grant, number>>;
}

export interface GrantServiceOptions {
  config: Pick<AccountConfig, 'idempotencySeconds'>;
  store: Store;
  ids: Ids;
  ledger: PublicLedger;
  operations: { grantCredits: Operation<GrantInput, GrantOutput> };
}

export function createGrantService({
  config,
  store,
  ids,
  ledger,
  operations,
}: GrantServiceOptions): GrantService {
  async function find(id: string): Promise<Row<'entry'>> {
    return (await findGrant(store.read, id)) ?? fail('TRANSACTION_NOT_FOUND', 'Grant not found');
  }

  return {
    async grant({ accountId }, actor, request, key) {
      const { to, amount, reason } = request;
      requireAddress(to, 'to');
      if (roundCredits(amount) !== amount)
        fail('VALIDATION_OUT_OF_RANGE', 'amount must have at most 6 decimals', { field: 'amount' });
      const requestHash = hash('sha256', canonicalJson(request));
      const idempotency = key && { key, requestHash, lastsMs: config.idempotencySeconds * 1000 };
      const input = { accountId, grantId: ids.next('grant'), nonce: ids.hex(16), to, amount, reason, actor };
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
        items: found.map(({ body }) => JSON.parse(body)),
        next: nextPlace(found, limit, entry => entry.leaf_index),
      };
    },
  };
}
