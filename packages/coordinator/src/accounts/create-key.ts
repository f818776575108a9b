import { randomBytes } from 'node:crypto';
import type { Scope } from '@aitbc/protocol';
import type { Actor } from '../audit/record-actions.ts';
import type { Outcome } from '../store/operation.ts';
import type { Store } from '../store/store.ts';
import { localAddress } from './accounts.ts';
import { insertKey, revokeKeys } from './key-operations.ts';
import { digestOf, KEY_PREFIX, type KeySettings } from './keys.ts';

export interface NewKey extends Partial<KeySettings> {
  id: string;
  name: string | null;
  scopes: readonly Scope[];
  expiresAt: number | null;
  /** The account that the key acts for. If absent, a new account is created. */
  address?: string | undefined;
  /** Whether the limits for owners of miners do not apply to the account, because the operator vouches for it. */
  trusted?: boolean | undefined;
  /** Who makes the key. If absent, the command on the coordinator's machine. */
  actor?: Actor | undefined;
}

export interface CreatedKey extends NewKey {
  /** The secret. It is shown only once. */
  key: string;
  address: string;
}

export const newKeySecret = () => `${KEY_PREFIX}${randomBytes(32).toString('base64url')}`;

/** Returns the address for a key's new account. */
export const newAddress = (keyId: string) => localAddress(randomBytes(16).toString('hex'), keyId);

export const COMMAND: Actor = {
  source: 'command',
  keyId: null,
  account: null,
  origin: null,
  requestId: null,
};

/** Creates an API key and, if no address is given, a new account for it. */
export async function createKey(store: Store, { actor = COMMAND, ...key }: NewKey): Promise<CreatedKey> {
  const secret = newKeySecret();
  const { id, name, scopes, expiresAt, trusted } = key;
  const address = key.address ?? newAddress(id);
  const { tier = null, maxPriority = 0, allowedModels = null, budget = null } = key;
  const outcome = await store.write(insertKey, {
    ...{ id, address, actor, trusted, hash: digestOf(secret), parentIds: [], mostKeys: Infinity },
    settings: { name, scopes, expiresAt, tier, maxPriority, allowedModels, budget },
  });
  if (!outcome.ok) throw new Error(outcome.error.detail);
  return { ...key, address, key: secret };
}

/** Revokes a key by its id. Fails where there is no such key or it is revoked already. */
export const revokeKey = async (store: Store, id: string, actor = COMMAND): Promise<Outcome<undefined>> =>
  await store.write(revokeKeys, { id, accountId: null, actor });
