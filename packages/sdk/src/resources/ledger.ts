import { type Ledger, type LedgerOptions, openLedger } from '../ledger/ledger.ts';
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
   * Returns a reader of the ledger, which only trusts the keys in the options.
   *
   * @param options those of `openLedger`; others default to this client's
   * @throws {TypeError} when neither `vkey` nor `policy` is given
   */
  open(options: LedgerOptions): Ledger {
    const { headers, fetch, maxRetries, sleep, random, now } = this.requests.settings;
    const shared = { headers, fetch, maxRetries, sleep, random, now };
    return openLedger(`${this.requests.baseUrl}/ledger`, { ...shared, ...options });
  }
}
