import type { Grant, ListGrants, NewGrant, PublishedGrant } from '@aitbc/protocol';
import type { RequestOptions } from '../options.ts';
import type { Paged } from '../pages.ts';
import { type IdempotentOptions, Resource } from '../requests.ts';
import { id } from '../transport.ts';
import { type ProofOptions, waitForProof } from '../wait.ts';

/** Credits that administrators give. */
export class Grants extends Resource {
  /**
   * Gives credits to an address. Requires an administrator's API key. Retries never give twice.
   *
   * @param grant `amount` is in credits, with at most 6 decimals; `reason` is ASCII, and public
   */
  create(grant: NewGrant, options: IdempotentOptions = {}): Promise<Grant> {
    return this.requests.create('/v1/grants', grant, options);
  }

  /** Returns the grant, with its place in the ledger once it is published. */
  get(grantId: string, options?: RequestOptions): Promise<PublishedGrant> {
    return this.requests.get(`/v1/grants/${id(grantId)}`, options);
  }

  /** Lists the grants to all accounts, newest first. */
  list(query: ListGrants = {}, options?: RequestOptions): Paged<Grant> {
    return this.requests.list('/v1/grants', query, options);
  }

  /**
   * Returns a `.tlog-proof` file of the grant, as `receipts.proof` does for a receipt.
   *
   * @throws {NotFoundError} TRANSACTION_NOT_FOUND with a `retryAfter` while the grant is not published
   */
  proof(grantId: string, options?: RequestOptions): Promise<string> {
    return this.requests.send({ path: `/v1/grants/${id(grantId)}/proof`, as: 'text', fresh: true }, options);
  }

  /**
   * Returns the proof as soon as the ledger has published the grant.
   *
   * @throws {TimeoutError} when it is not published in time
   */
  waitForProof(grantId: string, options: ProofOptions = {}): Promise<string> {
    const get = (signal: AbortSignal) => this.proof(grantId, { signal });
    return waitForProof(get, this.requests.settings, grantId, options);
  }
}
