import { hash, randomBytes } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { done, failed, type Operation, type Outcome } from '../store/operation.ts';
import type { Row } from '../store/schema.ts';
import type { Store } from '../store/store.ts';
import { ANONYMOUS, accountAt, localAddress } from './accounts.ts';
import { findKey } from './queries.ts';

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

export interface Accounts {
  /** Everyone without a key; undefined where keys are needed. */
  anonymous: Principal | undefined;
  authenticate(key: string): Promise<Outcome<Principal>>;
  /** As `authenticate`, for a request that lasts: asked every `recheckMs`, it tells of a revocation within the time of the cache. */
  recheck(key: string): Promise<Outcome<Principal>>;
  readonly recheckMs: number;
}

export interface AccountsOptions {
  store: Store;
  now: () => number;
  open: boolean;
  coordinatorId: string;
  /** For how long a key that was looked up is trusted, in ms. */
  cacheMs: number;
}

const CACHED_KEYS = 10_000;

/** Where nothing is cached, requests that last look their keys up so often. */
const LEAST_RECHECK_MS = 250;

export async function createAccounts({
  store,
  now,
  open,
  coordinatorId,
  cacheMs,
}: AccountsOptions): Promise<Accounts> {
  const cache = new LRUCache<string, { key: FoundKey | undefined; at: number }>({ max: CACHED_KEYS });

  async function lookUp(digest: string, maxAgeMs: number): Promise<FoundKey | undefined> {
    const cached = cache.get(digest);
    const ageMs = cached ? now() - cached.at : 0;
    // Kept for less than no time: the clock was set back.
    if (cached && ageMs >= 0 && ageMs < maxAgeMs) return cached.key;
    const key = await findKey(store.read, digest);
    // Only keys that exist are kept: guesses must not push them out.
    if (key) cache.set(digest, { key, at: now() });
    return key;
  }

  async function authenticate(secret: string, maxAgeMs: number): Promise<Outcome<Principal>> {
    const key = await lookUp(digestOf(secret), maxAgeMs);
    if (!key || key.revoked_at !== null)
      return failed('AUTH_INVALID_KEY', 'This API key is unknown or revoked');
    if (key.expires_at !== null && key.expires_at <= now())
      return failed('AUTH_EXPIRED_KEY', 'This API key has expired');
    return done({
      accountId: key.account_id,
      keyId: key.id,
      ...(key.tier !== null && { tier: key.tier }),
      ...maxPriorityOf(key),
      address: key.address,
      scopes: new Set(key.scopes.split(' ') as Scope[]),
      anonymous: false,
    });
  }

  return {
    anonymous: open ? await anonymousPrincipal(store, coordinatorId) : undefined,
    authenticate: secret => authenticate(secret, cacheMs),
    // Half the time passes until somebody asks, and half of it may have passed since another request did.
    recheck: secret => authenticate(secret, cacheMs / 2),
    recheckMs: Math.max(cacheMs / 2, LEAST_RECHECK_MS),
  };
}

/** Priority is not free: clients get none above 0 unless the operator says so. */
const maxPriorityOf = ({ scopes, max_priority }: FoundKey) =>
  scopes.split(' ').includes('admin') ? {} : { maxPriority: max_priority ?? 0 };

type FoundKey = Row<'api_key'> & { address: string };

/** Only this is stored: a key has enough randomness for a plain hash. */
const digestOf = (key: string) => hash('sha256', key);

async function anonymousPrincipal(store: Store, coordinatorId: string): Promise<Principal> {
  const outcome = await store.write(openAccount, {
    address: localAddress(coordinatorId, ANONYMOUS),
    name: ANONYMOUS,
  });
  if (!outcome.ok) throw new Error(outcome.error.detail);
  const { id, address } = outcome.value;
  return { accountId: id, address, scopes: new Set(['client', 'miner']), anonymous: true };
}

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
