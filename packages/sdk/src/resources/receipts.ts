import type { ListReceipts, PublishedReceipt, Receipt } from '@aitbc/protocol';
import type { RequestOptions } from '../options.ts';
import type { Paged } from '../pages.ts';
import { Resource } from '../requests.ts';
import { id } from '../transport.ts';
import { type ProofOptions, waitForProof } from '../wait.ts';

/** The receipts of completed jobs. `jobs.receipt` returns that of a job. */
export class Receipts extends Resource {
  /** Returns the receipt, with its place in the ledger once it is published. */
  get(receiptId: string, options?: RequestOptions): Promise<PublishedReceipt> {
    return this.requests.get(`/v1/receipts/${id(receiptId)}`, options);
  }

  /** Lists your receipts as a client and as an owner of miners, newest first. */
  list(query: ListReceipts = {}, options?: RequestOptions): Paged<Receipt> {
    return this.requests.list('/v1/receipts', query, options);
  }

  /**
   * Returns a `.tlog-proof` file: the receipt with the proof of its place in the ledger. To verify it only
   * takes the ledger's key, see `verifyTlogProof` of `@aitbc/tlog`.
   *
   * @throws {NotFoundError} RECEIPT_NOT_FOUND with a `retryAfter` while the receipt is not published
   */
  proof(receiptId: string, options?: RequestOptions): Promise<string> {
    return this.requests.send(
      { path: `/v1/receipts/${id(receiptId)}/proof`, as: 'text', fresh: true },
      options,
    );
  }

  /**
   * Returns the proof as soon as the ledger has published the receipt.
   *
   * @throws {TimeoutError} when it is not published in time
   */
  waitForProof(receiptId: string, options: ProofOptions = {}): Promise<string> {
    const get = (signal: AbortSignal) => this.proof(receiptId, { signal });
    return waitForProof(get, this.requests.settings, receiptId, options);
  }
}
