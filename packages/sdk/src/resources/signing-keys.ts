import type { PublicKey, PublicKeys } from '@aitbc/protocol';
import type { RequestOptions } from '../options.ts';
import { Resource } from '../requests.ts';

/** The public keys that verify receipts. */
export class SigningKeys extends Resource {
  /** Returns the coordinator's present and former keys for receipts. */
  async list(options?: RequestOptions): Promise<PublicKey[]> {
    return (await this.requests.send<PublicKeys>({ path: '/v1/keys' }, options)).keys;
  }
}
