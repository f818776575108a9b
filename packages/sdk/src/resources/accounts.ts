import type { Account, ListOwnMiners, Miner } from '@aitbc/protocol';
import type { RequestOptions } from '../options.ts';
import type { Paged } from '../pages.ts';
import { Resource } from '../requests.ts';
import { id } from '../transport.ts';

/** The balances of accounts, in credits. */
export class Accounts extends Resource {
  /** Returns the account of this client's API key. */
  own(options?: RequestOptions): Promise<Account> {
    return this.requests.get('/v1/account', options);
  }

  /** Lists the miners of this client's account by id. Requires a key with the scope `miner`. */
  miners(query: ListOwnMiners = {}, options?: RequestOptions): Paged<Miner> {
    return this.requests.list('/v1/account/miners', query, options);
  }

  /** Returns the account at an address. Requires an administrator's API key. */
  get(address: string, options?: RequestOptions): Promise<Account> {
    return this.requests.get(`/v1/accounts/${id(address)}`, options);
  }
}
