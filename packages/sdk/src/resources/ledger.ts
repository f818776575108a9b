import type { Ledger, LedgerOptions } from '../ledger/ledger.ts';
import type { RequestOptions } from '../options.ts';
import { Resource } from '../requests.ts';

/** The coordinator's public log of all receipts and grants. `openLedger` reads any log by its URL. */
export class LedgerResource extends Resource {
  /**
   * Returns the ledger's verifier key as the coordinator states it. To check the coordinator, get the key
   * elsewhere.
   */
  async vkey(options?: RequestOptions): Promise<string> {
    return (
      await this.requests.send<string>({ path: '/ledger/vkey', as: 'text', fresh: true }, options)
    ).trim();
  }

  /**
   * Returns the policy for verifiers as the coordinator states it: the ledger's key, its witnesses and their quorum. To
   * check the coordinator, get the policy elsewhere.
   */
  policy(options?: RequestOptions): Promise<string> {
    return this.requests.send({ path: '/ledger/policy', as: 'text', fresh: true }, options);
  }

  /**
   * Returns the proof that the tree of `to` entries begins with that of `from`, for `verifyConsistency` of
   * `@aitbc/tlog`.
   *
   * @returns hashes of 32 bytes in base64
   * @throws {NotFoundError} BLOCK_NOT_FOUND where the ledger has not so many entries
   */
  async consistency(from: number, to: number, options?: RequestOptions): Promise<string[]> {
    const call = { path: '/ledger/consistency', query: { from, to }, fresh: true };
    return (await this.requests.send<{ consistency: string[] }>(call, options)).consistency;
  }

  /**
   * Returns a reader of the ledger, which only trusts the keys in the options. The code that verifies is loaded then, so
   * that pages which verify nothing are smaller by it.
   *
   * @param options those of `openLedger`; others default to this client's
   * @throws {TypeError} when neither `vkey` nor `policy` is given
   */
  async open(options: LedgerOptions): Promise<Ledger> {
    const { openLedger } = await import('../ledger/ledger.ts');
    const { headers, fetch, maxRetries, sleep, random, now } = this.requests.settings;
    const shared = { headers, fetch, maxRetries, sleep, random, now };
    return openLedger(`${this.requests.baseUrl}/ledger`, { ...shared, ...options });
  }
}
