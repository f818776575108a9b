import type { Scope } from '@aitbc/protocol';
import { LRUCache } from 'lru-cache';
import { done, failed, type Outcome } from '../store/operation.ts';
import type { Store } from '../store/store.ts';
import { ANONYMOUS, localAddress } from './accounts.ts';
import { parentIdsOf } from './key-budgets.ts';
import { openAccount } from './key-operations.ts';
import { digestOf, type Principal } from './keys.ts';
import { findKey, type KeyWithAddress } from './queries.ts';

export interface Authenticator {
  /** The caller of all requests without a key, or undefined if a key is required. */
  anonymous: Principal | undefined;
  authenticate(key: string): Promise<Outcome<Principal>>;
  /**
   * Authenticates the key of a long request again. Called every `recheckMs`, it notices a revocation within the cache
   * time.
   */
  recheck(key: string): Promise<Outcome<Principal>>;
  readonly recheckMs: number;
}

export interface AuthenticatorOptions {
  store: Store;
  now: () => number;
  open: boolean;
  coordinatorId: string;
  /** How long a key that was looked up is trusted. */
  cacheMs: number;
}

const CACHED_KEYS = 10_000;

/** How often long requests look up their key if nothing is cached. */
const MIN_RECHECK_MS = 250;

export async function createAuthenticator({
  store,
  now,
  open,
  coordinatorId,
  cacheMs,
}: AuthenticatorOptions): Promise<Authenticator> {
  const cache = new LRUCache<string, { key: KeyWithAddress | undefined; at: number }>({ max: CACHED_KEYS });

  async function lookUp(digest: string, maxAgeMs: number): Promise<KeyWithAddress | undefined> {
    const cached = cache.get(digest);
    const ageMs = cached ? now() - cached.at : 0;
    // A negative age means that the clock was set back.
    if (cached && ageMs >= 0 && ageMs < maxAgeMs) return cached.key;
    const key = await findKey(store.read, digest);
    // Unknown keys are not cached: wrong guesses must not push valid keys out of the cache.
    if (key) cache.set(digest, { key, at: now() });
    return key;
  }

  async function authenticate(secret: string, maxAgeMs: number): Promise<Outcome<Principal>> {
    const digest = digestOf(secret);
    const key = await lookUp(digest, maxAgeMs);
    if (!key || key.revoked_at !== null)
      return failed('AUTH_INVALID_KEY', 'This API key is unknown or revoked');
    if (key.hash !== digest && (key.old_hash_expires_at ?? 0) <= now())
      return failed('AUTH_INVALID_KEY', 'This API key was replaced by a new secret');
    if (key.expires_at !== null && key.expires_at <= now())
      return failed('AUTH_EXPIRED_KEY', 'This API key has expired');
    return done({
      accountId: key.account_id,
      keyId: key.id,
      ...(key.parent_ids !== null && { parentIds: parentIdsOf(key.parent_ids) }),
      ...(key.allowed_models !== null && { allowedModels: JSON.parse(key.allowed_models) }),
      ...(key.expires_at !== null && { expiresAt: key.expires_at }),
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
    // The check comes up to half the cache time after a revocation, and may use an entry that is as old as the other
    // half.
    recheck: secret => authenticate(secret, cacheMs / 2),
    recheckMs: Math.max(cacheMs / 2, MIN_RECHECK_MS),
  };
}

/** Clients may only use priority 0 unless the operator allows more. */
const maxPriorityOf = ({ scopes, max_priority }: KeyWithAddress) =>
  scopes.split(' ').includes('admin') ? {} : { maxPriority: max_priority ?? 0 };

async function anonymousPrincipal(store: Store, coordinatorId: string): Promise<Principal> {
  const outcome = await store.write(openAccount, {
    address: localAddress(coordinatorId, ANONYMOUS),
    name: ANONYMOUS,
  });
  if (!outcome.ok) throw new Error(outcome.error.detail);
  const { id, address } = outcome.value;
  return { accountId: id, address, scopes: new Set(['client', 'miner']), anonymous: true };
}
