import { hash, randomBytes } from 'node:crypto';
import { done, type Operation } from '../store/operation.ts';
import type { Row } from '../store/schema.ts';
import type { Store } from '../store/store.ts';
import { accountAt, localAddress } from './accounts.ts';

export const SCOPES = ['client', 'miner', 'admin'] as const;
/** What every key begins with. */
export const KEY_PREFIX = 'aitbc_';
export type Scope = (typeof SCOPES)[number];

/** Who calls. */
export interface Principal {
  accountId: number;
  /** The id of the key; absent for everyone without one. */
  keyId?: string;
  /** The tier of the configuration whose limits the key has; the default one unless given. */
  tier?: string;
  /** The highest priority that it may ask for; no limit of its own unless given. */
  maxPriority?: number;
  address: string;
  scopes: ReadonlySet<Scope>;
  anonymous: boolean;
}

/** The account that rows must belong to for this caller; null for an administrator, who sees all. */
export function accountScope(principal: Principal): number | null {
  return principal.scopes.has('admin') ? null : principal.accountId;
}

/** Only this is stored: a key has enough randomness for a plain hash. */
export const digestOf = (key: string) => hash('sha256', key);

/** Finds or makes the account of an address. */
export const openAccount: Operation<{ address: string; name: string | null }, Row<'account'>> = {
  name: 'accounts.open',
  async apply(inputs, context) {
    const outcomes = [];
    for (const { address, name } of inputs) outcomes.push(done(await accountAt(address, name, context)));
    return outcomes;
  },
};

export interface NewKey {
  id: string;
  name: string | null;
  scopes: readonly Scope[];
  expiresAt: number | null;
  /** The account it acts for; a new one when absent. */
  address?: string | undefined;
  /** The operator vouches for the account: limits for owners of miners do not hold for it. */
  trusted?: boolean | undefined;
  /** The tier of the configuration whose limits it has; the default one when absent. */
  tier?: string | undefined;
  /** The highest priority that it may ask for; 0 when absent. */
  maxPriority?: number | undefined;
}

export interface CreatedKey extends NewKey {
  /** The secret: shown now and never again. */
  key: string;
  address: string;
}

/** Makes an API key and, unless an address is given, an account for it. */
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
      const account = await accountAt(address, name, context);
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

/** Revokes a key by its id. Answers false when there is none, or it was revoked before. */
export const revokeKey: Operation<{ id: string }, boolean> = {
  name: 'accounts.revoke-key',
  async apply(inputs, { tx, now }) {
    const outcomes = [];
    for (const { id } of inputs) {
      const [key] = await tx.load('api_key', 'id', [id]);
      const revocable = key !== undefined && key.revoked_at === null;
      if (revocable) await tx.update('api_key', 'id', ['revoked_at'], [{ id, revoked_at: now }]);
      outcomes.push(done(revocable));
    }
    return outcomes;
  },
};
