import { Increments } from '../store/increments.ts';
import type { WriteContext } from '../store/operation.ts';
import type { SavedChange } from '../store/topics.ts';

const RECORD_COLUMNS = ['successes', 'failures', 'timeouts'] as const;

type Records<Key extends string | number> = Increments<Key, (typeof RECORD_COLUMNS)[number]>;

/** Updates the number of jobs that miners run, and the records of their operators. */
export async function countForMiners(changes: readonly SavedChange[], { tx }: WriteContext): Promise<void> {
  const miners = new Increments<string, 'running' | 'completed' | 'failed'>([
    'running',
    'completed',
    'failed',
  ]);
  const records: Records<string> = new Increments(RECORD_COLUMNS);
  for (const { before, after, minerFailed } of changes) {
    if (before?.status !== after.status) {
      if (before?.status === 'running' && before.miner_id) miners.add(before.miner_id, 'running', -1);
      if (after.status === 'running' && after.miner_id) miners.add(after.miner_id, 'running', 1);
    }
    if (after.status === 'completed' && after.miner_id && after.role !== 'replicated') {
      miners.add(after.miner_id, 'completed', 1);
      records.add(after.miner_id, 'successes', 1);
    }
    if (minerFailed && before?.miner_id) {
      miners.add(before.miner_id, 'failed', 1);
      if (minerFailed === 'failed') records.add(before.miner_id, 'failures', 1);
      if (minerFailed === 'timed-out') records.add(before.miner_id, 'timeouts', 1);
    }
  }
  await tx.add('miner', miners.rows('id'));
  if (!records.isEmpty) await addToOperators(records, tx);
}

/** Adds the outcomes of each miner to its operator's record. */
async function addToOperators(byMiner: Records<string>, tx: WriteContext['tx']): Promise<void> {
  const standings: Records<number> = new Increments(RECORD_COLUMNS);
  for (const { id, operator_id } of await tx.load('miner', 'id', [...byMiner.keys()]))
    standings.addRow(operator_id, byMiner.get(id) ?? {});
  await tx.add('standing', standings.rows('id'));
}
