import { hash, randomBytes } from 'node:crypto';
import { done, type Operation } from '../store/operation.ts';
import type { Row } from '../store/schema.ts';
import type { Store } from '../store/store.ts';
import { findOrCreateAccount, localAddress } from './accounts.ts';

export const SCOPES = ['client', 'miner', 'metrics', 'admin'] as const;
export const KEY_PREFIX = 'aitbc_';
export type Scope = (typeof SCOPES)[number];

/** The caller of a request. */
export interface Principal {
  accountId: number;
  /** The id of the caller's API key. Absent for callers without a key. */
  keyId?: string;
  /** The configured tier whose limits apply. Absent for the default tier. */
  tier?: string;
  /** The highest priority that the caller may ask for. Absent if there is no limit. */
  maxPriority?: number;
  address: string;
  scopes: ReadonlySet<Scope>;
  anonymous: boolean;
}

/** Returns the account whose rows the caller may see, or null for an administrator, who may see all rows. */
export function accountScope(principal: Principal): number | null {
  return principal.scopes.has('admin') ? null : principal.accountId;
}

/** Only the hash of a key is stored. A key is random enough for a hash without salt. */
export const digestOf = (key: string) => hash('sha256', key);

export const openAccount: Operation<{ address: string; name: string | null }, Row<'account'>> = {
  name: 'accounts.open',
  async apply(inputs, context) {
    const outcomes = [];
    for (const { address, name } of inputs)
      outcomes.push(done(await findOrCreateAccount(address, name, context)));
    return outcomes;
  },
};

export interface NewKey {
  id: string;
  name: string | null;
  scopes: readonly Scope[];
  expiresAt: number | null;
  /** The account that the key acts for. If absent, a new account is created. */
  address?: string | undefined;
  /** Whether the limits for owners of miners do not apply to the account, because the operator vouches for it. */
  trusted?: boolean | undefined;
  /** The configured tier whose limits apply. If absent, the default tier. */
  tier?: string | undefined;
  /** The highest priority that the key may ask for. If absent, 0. */
  maxPriority?: number | undefined;
}

export interface CreatedKey extends NewKey {
  /** The secret. It is shown only once. */
  key: string;
  address: string;
}

/** Creates an API key and, if no address is given, a new account for it. */
export async function createKey(store: Store, { address, ...key }: NewKey): Promise<CreatedKey> {
  const secret = `${KEY_PREFIX}${randomBytes(32).toString('base64url')}`;
  const owner = address ?? localAddress(randomBytes(16).toString('hex'), key.id);
  const outcome = await store.write(insertKey, { ...key, address: owner, hash: digestOf(secret) });
  if (!outcome.ok) throw new Error(outcome.error.detail);
  return { ...key, address: owner, key: secret };
}

export const insertKey: Operation<NewKey & { address: string; hash: string }, undefined> = {
  name: 'accounts.insert-key',
  async apply(inputs, context) {
    for (const { id, name, scopes, expiresAt, address, hash, trusted, tier, maxPriority } of inputs) {
      const account = await findOrCreateAccount(address, name, context);
      if (trusted) await context.tx.update('account', 'id', ['trusted'], [{ id: account.id, trusted: 1 }]);
      const row = {
        id,
        name,
        hash,
        scopes: scopes.join(' '),
        account_id: account.id,
        created_at: context.now,
        tier: tier ?? null,
        max_priority: maxPriority ?? null,
      };
      await context.tx.insert('api_key', [{ ...row, expires_at: expiresAt, revoked_at: null }]);
    }
    return inputs.map(() => done(undefined));
  },
};

/** Revokes a key by its id. Returns false if there is no such key or it is revoked already. */
export const revokeKey: Operation<{ id: string }, boolean> = {
  name: 'accounts.revoke-key',
  async apply(inputs, { tx, now }) {
    const outcomes = [];
    for (const { id } of inputs) {
      const [key] = await tx.load('api_key', 'id', [id]);
      const isRevocable = key !== undefined && key.revoked_at === null;
      if (isRevocable) await tx.update('api_key', 'id', ['revoked_at'], [{ id, revoked_at: now }]);
      outcomes.push(done(isRevocable));
    }
    return outcomes;
  },
};
