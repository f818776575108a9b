import { isEnded } from '../jobs/job.ts';
import type { WriteContext } from '../store/operation.ts';
import type { Row } from '../store/schema.ts';
import type { SavedChange } from '../store/topics.ts';
import { rowId } from './row-id.ts';

const DAY_MS = 24 * 3600 * 1000;

/** Adds ended jobs to the sums of their keys, and paid runs to the sums of their miners: a row for each key, model and day. */
export async function countUsage(changes: readonly SavedChange[], { tx, now }: WriteContext): Promise<void> {
  const day = Math.floor(now / DAY_MS);
  const used: Row<'usage'>[] = [];
  const earned: Row<'earning'>[] = [];
  for (const { before, after, paid } of changes) {
    if (!isEnded(after.status) || (before && isEnded(before.status))) continue;
    const { account_id, key_id, model, status } = after;
    const { tokensIn: tokens_in = 0, tokensOut: tokens_out = 0, price: credits = 0 } = paid ?? {};
    // A replicated job counts once, and costs what its runs cost.
    const jobs = after.role === 'run' ? 0 : 1;
    const id = rowId(day, key_id ?? `account-${account_id}`, model);
    used.push({
      ...{ id, day, account_id, key_id: key_id ?? '', model },
      ...{ jobs, failed: status === 'failed' ? jobs : 0, cancelled: status === 'cancelled' ? jobs : 0 },
      ...{ tokens_in, tokens_out, credits },
    });
    const minerId = before?.miner_id;
    if (!paid || !minerId) continue;
    earned.push({
      ...{ id: rowId(day, minerId, model), day, account_id: paid.payeeId, miner_id: minerId, model },
      ...{ jobs: 1, tokens_in, tokens_out, credits },
    });
  }
  await tx.tally('usage', used);
  await tx.tally('earning', earned);
}
