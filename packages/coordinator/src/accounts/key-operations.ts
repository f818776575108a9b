import { type Actor, changedFields, recordActions } from '../audit/record-actions.ts';
import { done, failed, type Operation, type Outcome, type WriteContext } from '../store/operation.ts';
import type { Row } from '../store/schema.ts';
import { findOrCreateAccount } from './accounts.ts';
import { type OnceInput, once } from './idempotency.ts';
import { saveSpendLimits, spendLimitsOf } from './key-budgets.ts';
import type { KeySettings } from './keys.ts';

export const openAccount: Operation<{ address: string; name: string | null }, Row<'account'>> = {
  name: 'accounts.open',
  async apply(inputs, context) {
    const outcomes = [];
    for (const { address, name } of inputs)
      outcomes.push(done(await findOrCreateAccount(address, name, context)));
    return outcomes;
  },
};

export interface InsertKeyInput extends OnceInput {
  id: string;
  hash: string;
  settings: KeySettings;
  address: string;
  trusted?: boolean | undefined;
  parentIds: readonly string[];
  /** How many keys of the account may exist that are not revoked, with this one. */
  mostKeys: number;
  actor: Actor;
}

export const insertKey = once<InsertKeyInput>(
  {
    name: 'accounts.insert-key',
    async apply(inputs, context) {
      const outcomes: Outcome<undefined>[] = [];
      for (const input of inputs) outcomes.push(await insertOne(input, context));
      return outcomes;
    },
  },
  ({ id }) => id,
);

/** Creates a key with its account. The account may exist. */
export async function insertOne(
  { id, hash, settings, address, trusted, parentIds, mostKeys, actor }: InsertKeyInput,
  context: WriteContext,
): Promise<Outcome<undefined>> {
  const { tx, now } = context;
  const account = await findOrCreateAccount(address, settings.name, context);
  if (await hasKeys(account.id, mostKeys, context))
    return failed(
      'API_KEY_LIMIT_REACHED',
      `The account has ${mostKeys} keys that are not revoked, which is the limit: revoke one first`,
    );
  if (trusted) await tx.update('account', [{ id: account.id, trusted: 1 }]);
  const row = {
    ...{ id, hash, account_id: account.id, created_at: now, revoked_at: null },
    ...columnsOf(settings),
    ...{ parent_ids: parentIds.length === 0 ? null : parentIds.join(' '), old_hash: null },
    old_hash_expires_at: null,
  };
  await tx.insert('api_key', [row]);
  if (settings.budget) await saveSpendLimits(id, settings.budget, context);
  const details = { ...settings, account: address, ...(trusted && { trusted }) };
  await recordActions([{ actor, action: 'key.create', target: id, details }], context);
  return done(undefined);
}

async function hasKeys(accountId: number, count: number, { tx }: WriteContext): Promise<boolean> {
  if (count === Infinity) return false;
  const found = await tx.query<{ id: string }>(
    ['api_key'],
    'SELECT id FROM api_key WHERE account_id = ? AND revoked_at IS NULL LIMIT ?',
    [accountId, count],
  );
  return found.length >= count;
}

const SETTINGS = ['name', 'scopes', 'tier', 'max_priority', 'allowed_models', 'expires_at'] as const;

const columnsOf = (settings: KeySettings): Pick<Row<'api_key'>, (typeof SETTINGS)[number]> => ({
  name: settings.name,
  scopes: settings.scopes.join(' '),
  tier: settings.tier,
  max_priority: settings.maxPriority,
  allowed_models: settings.allowedModels && JSON.stringify(settings.allowedModels),
  expires_at: settings.expiresAt,
});

export function settingsOf(row: Row<'api_key'>, budget: Row<'key_budget'> | undefined): KeySettings {
  return {
    name: row.name,
    scopes: row.scopes.split(' ') as KeySettings['scopes'][number][],
    tier: row.tier,
    maxPriority: row.max_priority ?? 0,
    allowedModels: row.allowed_models === null ? null : JSON.parse(row.allowed_models),
    budget: spendLimitsOf(budget),
    expiresAt: row.expires_at,
  };
}

export interface ChangeKeyInput {
  id: string;
  /** The account that the key must belong to, or null for any. */
  accountId: number | null;
  change: Partial<KeySettings>;
  actor: Actor;
}

/** Changes what keys may do. A key that is revoked does not change. */
export const changeKeys: Operation<ChangeKeyInput, undefined> = {
  name: 'accounts.change-key',
  async apply(inputs, context) {
    const { tx } = context;
    const outcomes: Outcome<undefined>[] = [];
    for (const { id, accountId, change, actor } of inputs) {
      const key = await loadKey(id, accountId, context);
      if (!key) {
        outcomes.push(keyNotFound);
        continue;
      }
      const [budget] = await tx.load('key_budget', 'id', [id]);
      const before = settingsOf(key, budget);
      const after = { ...before, ...change };
      await tx.update('api_key', [{ id, ...columnsOf(after) }]);
      if (change.budget !== undefined) await saveSpendLimits(id, change.budget, context);
      const details = changedFields(before, after);
      await recordActions([{ actor, action: 'key.change', target: id, details }], context);
      outcomes.push(done(undefined));
    }
    return outcomes;
  },
};

export interface RotateKeyInput extends OnceInput {
  id: string;
  /** The id of this rotation. */
  rotation: string;
  accountId: number | null;
  hash: string;
  /** How long the old secret stays valid. */
  oldValidMs: number;
  actor: Actor;
}

/** Gives keys new secrets. At most one old secret of a key is valid: that from before the last rotation. */
export const rotateKeys = once<RotateKeyInput>(
  {
    name: 'accounts.rotate-key',
    async apply(inputs, context) {
      const { tx, now } = context;
      const outcomes: Outcome<undefined>[] = [];
      for (const { id, accountId, hash, oldValidMs, actor } of inputs) {
        const key = await loadKey(id, accountId, context);
        if (!key) {
          outcomes.push(keyNotFound);
          continue;
        }
        const until = oldValidMs > 0 ? now + oldValidMs : null;
        const rotated = { id, hash, old_hash: until === null ? null : key.hash, old_hash_expires_at: until };
        await tx.update('api_key', [rotated]);
        const details = until === null ? {} : { old_secret_valid_until: new Date(until).toISOString() };
        await recordActions([{ actor, action: 'key.rotate', target: id, details }], context);
        outcomes.push(done(undefined));
      }
      return outcomes;
    },
  },
  ({ rotation }) => rotation,
);

export interface RevokeKeyInput {
  id: string;
  accountId: number | null;
  actor: Actor;
}

/** Revokes keys with their old secrets. Fails where there is no such key or it is revoked already. */
export const revokeKeys: Operation<RevokeKeyInput, undefined> = {
  name: 'accounts.revoke-key',
  async apply(inputs, context) {
    const { tx, now } = context;
    const outcomes: Outcome<undefined>[] = [];
    for (const { id, accountId, actor } of inputs) {
      const key = await loadKey(id, accountId, context);
      if (!key) {
        outcomes.push(keyNotFound);
        continue;
      }
      const revoked = { id, revoked_at: now, old_hash: null, old_hash_expires_at: null };
      await tx.update('api_key', [revoked]);
      await recordActions([{ actor, action: 'key.revoke', target: id }], context);
      outcomes.push(done(undefined));
    }
    return outcomes;
  },
};

/** Returns a key that is not revoked. */
async function loadKey(
  id: string,
  accountId: number | null,
  { tx }: WriteContext,
): Promise<Row<'api_key'> | undefined> {
  const [key] = await tx.load('api_key', 'id', [id]);
  const isFound = key?.revoked_at === null && (accountId === null || key.account_id === accountId);
  return isFound ? key : undefined;
}

export const keyNotFound = failed('API_KEY_NOT_FOUND', 'There is no such key that is not revoked');
