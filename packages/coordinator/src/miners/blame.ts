import type { WriteContext } from '../store/operation.ts';
import type { Row } from '../store/schema.ts';
import { decayFactor, type ReputationPolicy } from './reputation.ts';

/*
 * Clients choose what miners run, so the harm that one client can do to a miner's reputation is bounded. Of the
 * failures and timeouts of an operator's miners, at most ACCOUNT_LIMIT count for jobs of one account and at most
 * MODEL_LIMIT for jobs of one model; both decay with the half-life of the reputation. With the default minimum score of
 * 0.2 neither limit alone suspends anybody: that takes 36 failures, from at least four accounts and two models.
 */

const ACCOUNT_LIMIT = 10;
const MODEL_LIMIT = 30;

/** A failure that may be held against a miner. */
export interface Blame {
  operatorId: number;
  accountId: number;
  model: string;
}

/** Returns which of these failures count, in order. Takes one read and one write, or none if there are no failures. */
export async function countBlames(
  blames: readonly Blame[],
  policy: ReputationPolicy,
  { tx, now }: Pick<WriteContext, 'tx' | 'now'>,
): Promise<boolean[]> {
  if (blames.length === 0) return [];
  const limits = blames.map(({ operatorId, accountId, model }) => [
    [`${operatorId}/account/${accountId}`, ACCOUNT_LIMIT] as const,
    [`${operatorId}/model/${model}`, MODEL_LIMIT] as const,
  ]);
  const ids = [...new Set(limits.flat().map(([id]) => id))];
  const rows = new Map<string, Row<'blame'>>();
  for (const row of await tx.load('blame', 'id', ids)) {
    const weight = row.weight * decayFactor(row.weighed_at, now, policy);
    rows.set(row.id, { id: row.id, weight, weighed_at: now });
  }
  const counted = limits.map(both => {
    const isCounted = both.every(([id, limit]) => (rows.get(id)?.weight ?? 0) < limit);
    if (!isCounted) return false;
    for (const [id] of both) rows.set(id, { id, weight: (rows.get(id)?.weight ?? 0) + 1, weighed_at: now });
    return true;
  });
  await tx.upsert('blame', [...rows.values()]);
  return counted;
}
