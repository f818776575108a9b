import { hash } from 'node:crypto';
import type { Scope } from '@aitbc/protocol';

export const KEY_PREFIX = 'aitbc_';

/** The caller of a request. */
export interface Principal {
  accountId: number;
  /** The id of the caller's API key. Absent for callers without a key. */
  keyId?: string;
  /** The key's ancestors: the key that made it, the key that made that one and so on. Their budgets apply as well. */
  parentIds?: readonly string[];
  /** The configured tier whose limits apply. Absent for the default tier. */
  tier?: string;
  /** The highest priority that the caller may ask for. Absent if there is no limit. */
  maxPriority?: number;
  /** The models that the caller may use. Absent for all. */
  allowedModels?: readonly string[];
  /** When the key expires, in ms since the epoch. Absent if it does not. */
  expiresAt?: number;
  address: string;
  scopes: ReadonlySet<Scope>;
  anonymous: boolean;
}

/** Returns the account whose rows the caller may see, or null for an administrator, who may see all rows. */
export function accountScope(principal: Principal): number | null {
  return principal.scopes.has('admin') ? null : principal.accountId;
}

/** The keys whose budgets apply to a caller's jobs. */
export const budgetKeysOf = ({ keyId, parentIds = [] }: Pick<Principal, 'keyId' | 'parentIds'>): string[] =>
  keyId === undefined ? [] : [keyId, ...parentIds];

/** Only the hash of a key is stored. A key is random enough for a hash without salt. */
export const digestOf = (key: string) => hash('sha256', key);

/** What a key may do. Amounts are in micro-credits, times in ms since the epoch. */
export interface KeySettings {
  name: string | null;
  scopes: readonly Scope[];
  /** The configured tier whose limits apply; null for the default tier. */
  tier: string | null;
  /** The highest priority of its jobs. */
  maxPriority: number;
  /** Null for all models. */
  allowedModels: readonly string[] | null;
  /** Null for no spend limit. */
  budget: SpendLimits | null;
  expiresAt: number | null;
}

/** In micro-credits. A limit of null does not apply. */
export interface SpendLimits {
  total: number | null;
  day: number | null;
  month: number | null;
}
