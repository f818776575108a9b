import type { WriteContext } from '../store/operation.ts';
import type { Row } from '../store/schema.ts';
import type { SavedChange } from '../store/topics.ts';

/** The outcomes of a miner's runs, by the columns of its operator's record. */
type Outcome = Partial<Pick<Row<'standing'>, 'successes' | 'failures' | 'timeouts'>>;

/** Updates the number of jobs that miners run, and the records of their operators. */
export async function countForMiners(changes: readonly SavedChange[], { tx }: WriteContext): Promise<void> {
  const miners: Partial<Row<'miner'>>[] = [];
  const outcomes: (Outcome & { minerId: string })[] = [];
  for (const { before, after, minerFailed } of changes) {
    if (before?.status !== after.status) {
      if (before?.status === 'running' && before.miner_id) miners.push({ id: before.miner_id, running: -1 });
      if (after.status === 'running' && after.miner_id) miners.push({ id: after.miner_id, running: 1 });
    }
    if (after.status === 'completed' && after.miner_id && after.role !== 'replicated') {
      miners.push({ id: after.miner_id, completed: 1 });
      outcomes.push({ minerId: after.miner_id, successes: 1 });
    }
    if (minerFailed && before?.miner_id) {
      miners.push({ id: before.miner_id, failed: 1 });
      if (minerFailed === 'failed') outcomes.push({ minerId: before.miner_id, failures: 1 });
      if (minerFailed === 'timed-out') outcomes.push({ minerId: before.miner_id, timeouts: 1 });
    }
  }
  await tx.add('miner', miners);
  if (outcomes.length === 0) return;
  const ids = [...new Set(outcomes.map(({ minerId }) => minerId))];
  const operatorOf = new Map((await tx.load('miner', 'id', ids)).map(miner => [miner.id, miner.operator_id]));
  await tx.add(
    'standing',
    outcomes.flatMap(({ minerId, ...outcome }) => {
      const id = operatorOf.get(minerId);
      return id === undefined ? [] : [{ id, ...outcome }];
    }),
  );
}
