import type { Kysely } from 'kysely';
import { fail } from '../errors.ts';
import type { DatabaseSchema } from '../store/schema.ts';
import { atTime, leftIn, parentIdsOf } from './key-budgets.ts';
import { budgetKeysOf, type KeySettings, type Principal } from './keys.ts';
import { findBudgets, findKeyById } from './queries.ts';

/** What a caller may give to a key that it makes or changes: no more than it has itself. Administrators may give all. */
export function requireNoMore(principal: Principal, key: KeySettings): void {
  if (principal.scopes.has('admin')) return;
  const refuse = (field: string, detail: string): never => fail('AUTH_INSUFFICIENT_SCOPE', detail, { field });
  const scope = key.scopes.find(scope => !principal.scopes.has(scope));
  if (scope !== undefined) refuse('scopes', `Your key does not have the scope ${scope}`);
  if (key.tier !== (principal.tier ?? null)) refuse('tier', 'Only the tier of your own key is possible');
  const highest = principal.maxPriority ?? 0;
  if (key.maxPriority > highest)
    refuse('max_priority', `Your own key may ask for a priority of up to ${highest}`);
  const { allowedModels, expiresAt } = principal;
  if (allowedModels) {
    const model = key.allowedModels?.find(model => !allowedModels.includes(model));
    if (key.allowedModels === null || model !== undefined)
      refuse('allowed_models', `Your own key may only use ${allowedModels.join(', ')}`);
  }
  if (expiresAt !== undefined && (key.expiresAt === null || key.expiresAt > expiresAt))
    refuse('expires_at', `Your own key expires at ${new Date(expiresAt).toISOString()}`);
}

/** What a key may do with jobs that are submitted in its name later. */
export interface Submitter {
  allowedModels: readonly string[] | undefined;
  /** The keys whose budgets apply. */
  budgetKeys: readonly string[];
}

/** Returns the submitter of jobs by the id of its key, or one without limits for callers without a key. */
export async function findSubmitter(db: Kysely<DatabaseSchema>, keyId: string | null): Promise<Submitter> {
  const key = keyId === null ? undefined : await findKeyById(db, keyId);
  if (!key) return { allowedModels: undefined, budgetKeys: [] };
  return {
    allowedModels: key.allowed_models === null ? undefined : JSON.parse(key.allowed_models),
    budgetKeys: budgetKeysOf({ keyId: key.id, parentIds: parentIdsOf(key.parent_ids) }),
  };
}

/** Returns what is left in all budgets of these keys, in micro-credits; Infinity if none applies. */
export async function findBudgetLeft(
  db: Kysely<DatabaseSchema>,
  keyIds: readonly string[],
  now: number,
): Promise<number> {
  const budgets = await findBudgets(db, keyIds);
  return leftIn([...budgets.values()].map(row => atTime(row, now))).amount;
}
