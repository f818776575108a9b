import type { PublicKey, PublicKeys } from '@aitbc/protocol';
import type { RequestOptions } from '../options.ts';
import { Resource } from '../requests.ts';

/** The public keys that receipts are verified with. */
export class SigningKeys extends Resource {
  /** The keys that the coordinator signs receipts with, and those it used to. */
  async list(options?: RequestOptions): Promise<PublicKey[]> {
    return (await this.requests.send<PublicKeys>({ path: '/v1/keys' }, options)).keys;
  }
}
