import { type Ledger, type LedgerOptions, openLedger } from '../ledger/ledger.ts';
import type { RequestOptions } from '../options.ts';
import { Resource } from '../requests.ts';

/** The coordinator's own public log of all receipts and grants. `openLedger` reads any log by its URL. */
export class LedgerResource extends Resource {
  /** The verifier key of the ledger, as the coordinator tells it: who trusts that needs no other proof. */
  async vkey(options?: RequestOptions): Promise<string> {
    return (
      await this.requests.send<string>({ path: '/ledger/vkey', as: 'text', fresh: true }, options)
    ).trim();
  }

  /**
   * A reader of the ledger, which trusts nobody but whom the options name.
   *
   * @param options as of `openLedger`; what they leave out is as it is for this client
   * @throws {TypeError} when they say not whom to believe
   */
  open(options: LedgerOptions): Ledger {
    const { headers, fetch, maxRetries, sleep, random, now } = this.requests.settings;
    const shared = { headers, fetch, maxRetries, sleep, random, now };
    return openLedger(`${this.requests.baseUrl}/ledger`, { ...shared, ...options });
  }
}
