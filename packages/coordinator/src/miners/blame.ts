import type { WriteContext } from '../store/operation.ts';
import type { Row } from '../store/schema.ts';
import { decayOf, type ReputationPolicy } from './reputation.ts';

/*
 * Clients choose what miners run, so what one of them can do to a miner's reputation has a bound: of the failures and
 * timeouts of an operator's miners, those in jobs of one account count up to ACCOUNT_LIMIT, and those in jobs of one model up
 * to MODEL_LIMIT, each halved with every half-life as the reputation is. With the score of 0.2 that is demanded unless
 * changed, neither alone suspends anybody: 36 failures do, of four accounts and two models at least.
 */

const ACCOUNT_LIMIT = 10;
const MODEL_LIMIT = 30;

/** A failure that a miner may be blamed for. */
export interface Blame {
  operatorId: number;
  accountId: number;
  model: string;
}

/** Which of these failures count, in their order. Costs a read and a write, and nothing where there are none. */
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
    const weight = row.weight * decayOf(row.weighed_at, now, policy);
    rows.set(row.id, { id: row.id, weight, weighed_at: now });
  }
  const counted = limits.map(both => {
    const counts = both.every(([id, limit]) => (rows.get(id)?.weight ?? 0) < limit);
    if (!counts) return false;
    for (const [id] of both) rows.set(id, { id, weight: (rows.get(id)?.weight ?? 0) + 1, weighed_at: now });
    return true;
  });
  await tx.upsert('blame', ['id'], [...rows.values()]);
  return counted;
}
