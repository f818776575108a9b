import type { Account } from '@aitbc/protocol';
import type { RequestOptions } from '../options.ts';
import { Resource } from '../requests.ts';
import { id } from '../transport.ts';

/** What accounts have, in credits. */
export class Accounts extends Resource {
  /** The account of this client's key. */
  own(options?: RequestOptions): Promise<Account> {
    return this.requests.get('/v1/account', options);
  }

  /** The account at an address. Needs the key of an administrator. */
  get(address: string, options?: RequestOptions): Promise<Account> {
    return this.requests.get(`/v1/accounts/${id(address)}`, options);
  }
}
