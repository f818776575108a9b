import type { EarningsRow, ListEarnings, ListUsage, UsageRow } from '@aitbc/protocol';
import type { RequestOptions } from '../options.ts';
import type { Paged } from '../pages.ts';
import { Resource } from '../requests.ts';

const CSV = { accept: 'text/csv' };

/** What jobs used: their number, tokens and credits by day, key and model. Administrators see all accounts. */
export class Usage extends Resource {
  list(query: ListUsage = {}, options?: RequestOptions): Paged<UsageRow> {
    return this.requests.list('/v1/usage', query, options);
  }

  /** Returns one page as CSV with a header. A page has up to 1,000 rows. */
  csv(query: ListUsage = {}, options?: RequestOptions): Promise<string> {
    return this.requests.send({ path: '/v1/usage', query, headers: CSV, as: 'text', fresh: true }, options);
  }
}

/** What miners earned by day, miner and model. Administrators see all accounts. */
export class Earnings extends Resource {
  list(query: ListEarnings = {}, options?: RequestOptions): Paged<EarningsRow> {
    return this.requests.list('/v1/earnings', query, options);
  }

  /** Returns one page as CSV with a header. A page has up to 1,000 rows. */
  csv(query: ListEarnings = {}, options?: RequestOptions): Promise<string> {
    return this.requests.send(
      { path: '/v1/earnings', query, headers: CSV, as: 'text', fresh: true },
      options,
    );
  }
}
