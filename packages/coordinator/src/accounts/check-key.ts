import { LRUCache } from 'lru-cache';
import { done, failed, type Outcome } from '../store/operation.ts';
import type { Row } from '../store/schema.ts';
import type { Store } from '../store/store.ts';
import { ANONYMOUS, localAddress } from './accounts.ts';
import { digestOf, openAccount, type Principal, type Scope } from './keys.ts';
import { findKey } from './queries.ts';

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

async function anonymousPrincipal(store: Store, coordinatorId: string): Promise<Principal> {
  const outcome = await store.write(openAccount, {
    address: localAddress(coordinatorId, ANONYMOUS),
    name: ANONYMOUS,
  });
  if (!outcome.ok) throw new Error(outcome.error.detail);
  const { id, address } = outcome.value;
  return { accountId: id, address, scopes: new Set(['client', 'miner']), anonymous: true };
}
