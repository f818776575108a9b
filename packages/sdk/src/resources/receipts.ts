import type { ListReceipts, PublishedReceipt, Receipt } from '@aitbc/protocol';
import type { RequestOptions } from '../options.ts';
import type { Paged } from '../pages.ts';
import { Resource } from '../requests.ts';
import { id } from '../transport.ts';
import { type ProofOptions, waitForProof } from '../wait.ts';

/** What completed jobs are accounted for with. `jobs.receipt` has that of a job. */
export class Receipts extends Resource {
  /** The receipt, and its place in the ledger once that was published. */
  get(receiptId: string, options?: RequestOptions): Promise<PublishedReceipt> {
    return this.requests.get(`/v1/receipts/${id(receiptId)}`, options);
  }

  /** Newest first: yours as a client and as the owner of miners. */
  list(query: ListReceipts = {}, options?: RequestOptions): Paged<Receipt> {
    return this.requests.list('/v1/receipts', query, options);
  }

  /**
   * A `.tlog-proof` file: the receipt, and the proof of its place in the ledger. Whoever has it and the ledger's key
   * needs nothing else, see `verifyTlogProof` of `@aitbc/tlog`.
   *
   * @throws {NotFoundError} RECEIPT_NOT_FOUND with a `retryAfter` while it is not published yet
   */
  proof(receiptId: string, options?: RequestOptions): Promise<string> {
    return this.requests.send(
      { path: `/v1/receipts/${id(receiptId)}/proof`, as: 'text', fresh: true },
      options,
    );
  }

  /**
   * The same as soon as the ledger has published the receipt.
   *
   * @throws {TimeoutError} when it had not in time
   */
  waitForProof(receiptId: string, options: ProofOptions = {}): Promise<string> {
    const get = (signal: AbortSignal) => this.proof(receiptId, { signal });
    return waitForProof(get, this.requests.settings, receiptId, options);
  }
}
