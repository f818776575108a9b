import type {
  ApiKey,
  ApiKeyChange,
  ApiKeyWithSecret,
  ListApiKeys,
  NewApiKey,
  NewBudget,
  RotateApiKey,
} from '@aitbc/protocol';
import { LIMITS } from '@aitbc/protocol';
import { microCredits, roundCredits } from '@aitbc/receipts';
import type { Actor } from '../audit/record-actions.ts';
import { fail } from '../errors.ts';
import type { Ids } from '../ids.ts';
import { type ListPage, nextPlace } from '../list-page.ts';
import { unwrap } from '../store/operation.ts';
import type { Row } from '../store/schema.ts';
import type { Store } from '../store/store.ts';
import { findAccountId, requireAddress } from './accounts.ts';
import { newAddress } from './create-key.ts';
import { atTime, spendLimitsOf } from './key-budgets.ts';
import { changeKeys, insertKey, keyNotFound, revokeKeys, rotateKeys, settingsOf } from './key-operations.ts';
import { requireNoMore } from './key-rights.ts';
import {
  accountScope,
  budgetKeysOf,
  digestOf,
  KEY_PREFIX,
  type KeySettings,
  type Principal,
  type SpendLimits,
} from './keys.ts';
import { findBudgets, findKeyById, type KeyWithAddress, listKeysOf } from './queries.ts';
import { type Repeat, type Repeats, type Replayable, requireCurrentSecret } from './repeats.ts';

/** A request about keys: who makes it. */
export interface KeyCaller {
  principal: Principal;
  actor: Actor;
}

/** Keys over HTTP. Administrators manage all keys, others those of their account. Methods throw RequestError. */
export interface ApiKeyService {
  /** Creates a key. A repeated request with the same idempotency key returns the first key with its secret. */
  create(
    caller: KeyCaller,
    request: NewApiKey,
    idempotencyKey: string | undefined,
  ): Promise<Replayable<ApiKeyWithSecret>>;
  /** Returns a page of keys, newest first, and the id after which the next page starts. */
  list(
    caller: KeyCaller,
    query: Pick<ListApiKeys, 'account'> & { limit: number; before: string | undefined },
  ): Promise<ListPage<ApiKey>>;
  get(caller: KeyCaller, id: string): Promise<ApiKey>;
  /** Returns a key, whoever asks. */
  find(id: string): Promise<ApiKey>;
  /** Returns the caller's own key. */
  current(principal: Principal): Promise<ApiKey>;
  change(caller: KeyCaller, id: string, change: ApiKeyChange): Promise<ApiKey>;
  /** Gives a key a new secret. A repeated request with the same idempotency key returns the same one. */
  rotate(
    caller: KeyCaller,
    id: string,
    request: RotateApiKey,
    idempotencyKey: string | undefined,
  ): Promise<Replayable<ApiKeyWithSecret>>;
  revoke(caller: KeyCaller, id: string): Promise<ApiKey>;
}

export interface ApiKeysOptions {
  store: Store;
  ids: Ids;
  now: () => number;
  /** The names of the configured tiers. Undefined where the configuration is not known: then each name is accepted. */
  tiers: readonly string[] | undefined;
  repeats: Repeats;
}

/** A key whose ancestors are more than this many can't make another: each of them has a budget to check. */
const MAX_ANCESTORS = 4;

export function createApiKeys({ store, ids, now, tiers, repeats }: ApiKeysOptions): ApiKeyService {
  async function find(principal: Principal, id: string): Promise<KeyWithAddress> {
    const key = await findKeyById(store.read, id);
    const account = accountScope(principal);
    if (!key || (account !== null && key.account_id !== account)) return unwrap(keyNotFound);
    return key;
  }

  async function view(keys: readonly KeyWithAddress[]): Promise<ApiKey[]> {
    const budgets = await findBudgets(
      store.read,
      keys.map(key => key.id),
    );
    return keys.map(key => toApiKey(key, budgets.get(key.id), now()));
  }

  const viewOf = async (id: string) => {
    const key = await findKeyById(store.read, id);
    const [found] = key ? await view([key]) : [];
    return found ?? unwrap(keyNotFound);
  };

  async function withSecret(id: string, secret: string): Promise<ApiKeyWithSecret> {
    const row = await findKeyById(store.read, id);
    requireCurrentSecret(row?.hash === digestOf(secret));
    return { ...(await viewOf(id)), key: secret };
  }

  /** Throws unless the caller may do with the key what its owner may: the key must have no right that the caller lacks. */
  async function findManaged({ principal }: KeyCaller, id: string): Promise<KeySettings> {
    const key = await find(principal, id);
    const settings = settingsOf(key, (await findBudgets(store.read, [id])).get(id));
    requireNoMore(principal, settings);
    return settings;
  }

  function checkSettings({ principal }: KeyCaller, settings: KeySettings): void {
    requireNoMore(principal, settings);
    if (settings.tier !== null && tiers && !tiers.includes(settings.tier))
      fail('VALIDATION_OUT_OF_RANGE', `tier must be one of ${tiers.join(', ')}, or null`, { field: 'tier' });
    if (settings.expiresAt !== null && settings.expiresAt <= now())
      fail('VALIDATION_OUT_OF_RANGE', 'expires_at must be in the future', { field: 'expires_at' });
  }

  return {
    async create(caller, request, idempotencyKey) {
      const { principal, actor } = caller;
      const isAdmin = principal.scopes.has('admin');
      const settings: KeySettings = {
        ...(isAdmin ? PLAIN : rightsOf(principal)),
        name: request.name ?? null,
        scopes: request.scopes,
        ...withoutAbsent(settingsIn(request)),
      };
      checkSettings(caller, settings);
      const parentIds = isAdmin ? [] : budgetKeysOf(principal);
      if (parentIds.length > MAX_ANCESTORS)
        fail(
          'API_KEY_LIMIT_REACHED',
          `A key at ${MAX_ANCESTORS} removes from the operator makes no more keys`,
        );
      const id = ids.next('key');
      const address = addressFor(principal, request.account, id);
      const repeat = repeats(principal.accountId, ['createApiKey', request], idempotencyKey);
      const input = { id, hash: digestOf(secretIn(repeat, id)), settings, address, parentIds, actor };
      const { repeatable } = repeat;
      const made = await store.write(insertKey, { ...input, repeatable, mostKeys: LIMITS.keysPerAccount });
      const { id: keyId, replayed } = unwrap(made);
      return { answer: await withSecret(keyId, secretIn(repeat, keyId)), replayed };
    },

    async list({ principal }, { account, limit, before }) {
      const own = accountScope(principal);
      if (account !== undefined) requireAddress(account, 'account');
      if (own !== null && account !== undefined && account !== principal.address)
        fail('AUTH_INSUFFICIENT_SCOPE', 'The keys of other accounts need a key with the scope admin', {
          field: 'account',
        });
      const accountId = own ?? (account === undefined ? undefined : await findAccountId(store.read, account));
      if (account !== undefined && accountId === undefined) return { items: [], next: undefined };
      const found = await listKeysOf(store.read, { accountId, before, limit });
      return { items: await view(found), next: nextPlace(found, limit, key => key.id) };
    },

    async get({ principal }, id) {
      const [key] = await view([await find(principal, id)]);
      return key ?? unwrap(keyNotFound);
    },

    find: viewOf,

    async current({ keyId }) {
      return keyId === undefined ? unwrap(keyNotFound) : await viewOf(keyId);
    },

    async change(caller, id, request) {
      const before = await findManaged(caller, id);
      const change = withoutAbsent({
        ...settingsIn(request),
        ...(request.name !== undefined && { name: request.name }),
        ...(request.scopes && { scopes: request.scopes }),
      });
      checkSettings(caller, { ...before, ...change });
      const accountId = accountScope(caller.principal);
      unwrap(await store.write(changeKeys, { id, accountId, change, actor: caller.actor }));
      return await viewOf(id);
    },

    async rotate({ principal, actor }, id, request, idempotencyKey) {
      await findManaged({ principal, actor }, id);
      const rotation = ids.hex(16);
      const repeat = repeats(principal.accountId, ['rotateApiKey', id, request], idempotencyKey);
      const input = {
        id,
        accountId: accountScope(principal),
        actor,
        rotation,
        repeatable: repeat.repeatable,
      };
      const oldValidMs = (request.old_valid_seconds ?? 0) * 1000;
      const hash = digestOf(secretIn(repeat, rotation));
      const made = unwrap(await store.write(rotateKeys, { ...input, hash, oldValidMs }));
      return { answer: await withSecret(id, secretIn(repeat, made.id)), replayed: made.replayed };
    },

    async revoke(caller, id) {
      await findManaged(caller, id);
      const accountId = accountScope(caller.principal);
      unwrap(await store.write(revokeKeys, { id, accountId, actor: caller.actor }));
      return await viewOf(id);
    },
  };
}

const secretIn = (repeat: Repeat, id: string) => `${KEY_PREFIX}${repeat.secretOf(id)}`;

/** What an administrator's request leaves out. */
const PLAIN = { tier: null, maxPriority: 0, allowedModels: null, budget: null, expiresAt: null } as const;

/** What the request of another caller leaves out is as in the caller's key. Its budget applies in any case. */
const rightsOf = (principal: Principal): Omit<KeySettings, 'name' | 'scopes'> => ({
  tier: principal.tier ?? null,
  maxPriority: principal.maxPriority ?? 0,
  allowedModels: principal.allowedModels ?? null,
  budget: null,
  expiresAt: principal.expiresAt ?? null,
});

function settingsIn({
  tier,
  max_priority: maxPriority,
  allowed_models: allowedModels,
  budget,
  expires_at,
}: ApiKeyChange): Partial<{ [Name in keyof KeySettings]: KeySettings[Name] | undefined }> {
  return {
    ...{ tier, maxPriority, allowedModels },
    budget: budget === undefined ? undefined : spendLimitsIn(budget),
    expiresAt: typeof expires_at === 'string' ? Date.parse(expires_at) : expires_at,
  };
}

function withoutAbsent(
  settings: {
    [Name in keyof KeySettings]?: KeySettings[Name] | undefined;
  },
): Partial<KeySettings> {
  return Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined));
}

/** Converts limits of a request to micro-credits. */
export function spendLimitsIn(budget: NewBudget | null): SpendLimits | null {
  if (budget === null) return null;
  const micro = (limit: keyof NewBudget) => {
    const credits = budget[limit] ?? null;
    if (credits !== null && roundCredits(credits) !== credits)
      fail('VALIDATION_OUT_OF_RANGE', `budget.${limit} must have at most 6 decimals`, {
        field: `budget.${limit}`,
      });
    return credits === null ? null : microCredits(credits);
  };
  return { total: micro('total'), day: micro('day'), month: micro('month') };
}

function addressFor(principal: Principal, account: string | undefined, keyId: string): string {
  if (!principal.scopes.has('admin')) {
    if (account !== undefined && account !== principal.address)
      fail('AUTH_INSUFFICIENT_SCOPE', 'Your key makes keys for its own account only', { field: 'account' });
    return principal.address;
  }
  if (account === undefined) return newAddress(keyId);
  requireAddress(account, 'account');
  return account;
}

const timeOf = (ms: number | null) => (ms === null ? null : new Date(ms).toISOString());

function toApiKey(key: KeyWithAddress, budget: Row<'key_budget'> | undefined, now: number): ApiKey {
  const { name, scopes, tier, maxPriority, allowedModels, expiresAt } = settingsOf(key, budget);
  const oldUntil = key.old_hash_expires_at;
  return {
    id: key.id,
    name,
    scopes: [...scopes],
    tier,
    max_priority: scopes.includes('admin') ? null : maxPriority,
    allowed_models: allowedModels && [...allowedModels],
    budget: toBudget(budget, now),
    account: key.address,
    created_at: new Date(key.created_at).toISOString(),
    created_by: key.parent_ids?.split(' ')[0] ?? null,
    expires_at: timeOf(expiresAt),
    revoked_at: timeOf(key.revoked_at),
    old_secret_valid_until: oldUntil !== null && oldUntil > now ? timeOf(oldUntil) : null,
  };
}

function toBudget(row: Row<'key_budget'> | undefined, now: number): ApiKey['budget'] {
  const limits = spendLimitsOf(row);
  if (!row || !limits) return null;
  const credits = (micro: number | null) => (micro === null ? null : micro / 1e6);
  const { spent, day_spent, month_spent, reserved } = atTime(row, now);
  return {
    ...{ total: credits(limits.total), day: credits(limits.day), month: credits(limits.month) },
    spent: { total: spent / 1e6, day: day_spent / 1e6, month: month_spent / 1e6 },
    reserved: reserved / 1e6,
  };
}
