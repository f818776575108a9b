import type {
  ConfirmPayout,
  DisputePayout,
  ListPayouts,
  NewPayout,
  PublishedPayout,
  TrackedPayout,
  WithdrawPayout,
} from '@aitbc/protocol';
import type { RequestOptions } from '../options.ts';
import type { Paged } from '../pages.ts';
import { type IdempotentOptions, Resource } from '../requests.ts';
import { id } from '../transport.ts';
import { type ProofOptions, waitForProof } from '../wait.ts';

/** What operators paid providers outside of the network, and what the providers said to that. */
export class Payouts extends Resource {
  /**
   * Records that you paid a provider. Requires an administrator's API key. Retries never record it twice.
   *
   * @param payout `amount` is in credits, with at most 6 decimals; `method` and `reference` are ASCII, and public
   * @throws {ConflictError} PAYOUT_TOO_LARGE when the provider has not so many credits to be paid out
   */
  create(payout: NewPayout, options: IdempotentOptions = {}): Promise<TrackedPayout> {
    return this.requests.create('/v1/payouts', payout, options);
  }

  /** Returns the payout with what was said about it, and its place in the ledger once it is published. */
  get(payoutId: string, options?: RequestOptions): Promise<PublishedPayout> {
    return this.requests.get(`/v1/payouts/${id(payoutId)}`, options);
  }

  /** Lists payouts, newest first: all, those to an account, or those of a status. */
  list(query: ListPayouts = {}, options?: RequestOptions): Paged<TrackedPayout> {
    return this.requests.list('/v1/payouts', query, options);
  }

  /**
   * Confirms a payout. Requires an API key of the account that was paid, or its signature: `signPayoutAnswer` of
   * `@aitbc/receipts` makes one.
   *
   * @throws {ConflictError} PAYOUT_INVALID_STATUS when it is withdrawn
   */
  confirm(payoutId: string, answer: ConfirmPayout = {}, options?: RequestOptions): Promise<TrackedPayout> {
    return this.requests.post(`/v1/payouts/${id(payoutId)}/confirm`, answer, options);
  }

  /**
   * Disputes a payout. Requires what `confirm` does.
   *
   * @param answer `reason` is ASCII, and public
   * @throws {ConflictError} PAYOUT_INVALID_STATUS when it is confirmed or withdrawn
   */
  dispute(payoutId: string, answer: DisputePayout, options?: RequestOptions): Promise<TrackedPayout> {
    return this.requests.post(`/v1/payouts/${id(payoutId)}/dispute`, answer, options);
  }

  /**
   * Takes a payout back, so that its credits are owed again. Requires an administrator's API key.
   *
   * @throws {ConflictError} PAYOUT_INVALID_STATUS when it is confirmed
   */
  withdraw(payoutId: string, request: WithdrawPayout, options?: RequestOptions): Promise<TrackedPayout> {
    return this.requests.post(`/v1/payouts/${id(payoutId)}/withdraw`, request, options);
  }

  /**
   * Returns a `.tlog-proof` file of the payout, or of an update of it by its `update_id`.
   *
   * @throws {NotFoundError} PAYOUT_NOT_FOUND with a `retryAfter` while it is not published
   */
  proof(statementId: string, options?: RequestOptions): Promise<string> {
    const path = `/v1/payouts/${id(statementId)}/proof`;
    return this.requests.send({ path, as: 'text', fresh: true }, options);
  }

  /**
   * Returns the proof as soon as the ledger has published the statement.
   *
   * @throws {TimeoutError} when it is not published in time
   */
  waitForProof(statementId: string, options: ProofOptions = {}): Promise<string> {
    const get = (signal: AbortSignal) => this.proof(statementId, { signal });
    return waitForProof(get, this.requests.settings, statementId, options);
  }
}
