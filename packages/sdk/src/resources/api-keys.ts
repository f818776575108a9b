import type {
  ApiKey,
  ApiKeyChange,
  ApiKeyWithSecret,
  ListApiKeys,
  NewApiKey,
  RotateApiKey,
} from '@aitbc/protocol';
import type { RequestOptions } from '../options.ts';
import type { Paged } from '../pages.ts';
import { type IdempotentOptions, Resource } from '../requests.ts';
import { id } from '../transport.ts';

/**
 * API keys. Requires a key with the scope `keys`, which manages the keys of its account, or an administrator's.
 * Public keys that receipts are verified with are at `signingKeys`.
 */
export class ApiKeys extends Resource {
  /** Creates a key. Save its secret: no later answer shows it. Retries get the same key. */
  create(key: NewApiKey, options: IdempotentOptions = {}): Promise<ApiKeyWithSecret> {
    return this.requests.create('/v1/api-keys', key, options);
  }

  /** Lists keys, newest first: those of the own account, or of all accounts for administrators. */
  list(query: ListApiKeys = {}, options?: RequestOptions): Paged<ApiKey> {
    return this.requests.list('/v1/api-keys', query, options);
  }

  get(keyId: string, options?: RequestOptions): Promise<ApiKey> {
    return this.requests.get(`/v1/api-keys/${id(keyId)}`, options);
  }

  /** Returns the key of this client, with what is left of its budget. Any key may do this. */
  current(options?: RequestOptions): Promise<ApiKey> {
    return this.requests.get('/v1/api-keys/current', options);
  }

  /** Changes what the key may do. What is absent stays as it is. */
  change(keyId: string, change: ApiKeyChange, options?: RequestOptions): Promise<ApiKey> {
    const path = `/v1/api-keys/${id(keyId)}`;
    return this.requests.send({ method: 'PATCH', path, body: change, repeatable: true }, options);
  }

  /**
   * Gives the key a new secret. The old one stays valid for `old_valid_seconds`, which are 0 by default. Retries get the
   * same secret.
   */
  rotate(
    keyId: string,
    request: RotateApiKey = {},
    options: IdempotentOptions = {},
  ): Promise<ApiKeyWithSecret> {
    return this.requests.create(`/v1/api-keys/${id(keyId)}/rotate`, request, options);
  }

  /** Revokes the key. Coordinators refuse it within seconds. */
  revoke(keyId: string, options?: RequestOptions): Promise<ApiKey> {
    return this.requests.send({ method: 'DELETE', path: `/v1/api-keys/${id(keyId)}` }, options);
  }
}
