import { type Blame, countBlames } from '../../miners/blame.ts';
import type { ReputationPolicy } from '../../miners/reputation.ts';
import type { WriteContext } from '../../store/operation.ts';
import type { Row } from '../../store/schema.ts';
import { exclusionsOf, operatorKey } from '../exclusions.ts';
import type { JobChange } from '../job.ts';

/**
 * Returns the changes with `blameless` instead of each failure that exceeds what one job, account or model may count
 * against a miner.
 */
export async function boundBlame(
  changes: readonly JobChange[],
  miners: ReadonlyMap<string, Row<'miner'>>,
  policy: ReputationPolicy,
  context: Pick<WriteContext, 'tx' | 'now'>,
): Promise<JobChange[]> {
  const blames = changes.map(change => blameOf(change, miners));
  const counted = await countBlames(
    blames.filter(blame => blame !== undefined),
    policy,
    context,
  );
  let index = 0;
  return changes.map((change, at) => {
    if (change.minerFailed !== 'failed' && change.minerFailed !== 'timed-out') return change;
    return blames[at] && counted[index++] ? change : { ...change, minerFailed: 'blameless' };
  });
}

function blameOf(
  { before, minerFailed }: JobChange,
  miners: ReadonlyMap<string, Row<'miner'>>,
): Blame | undefined {
  const miner = miners.get(before.miner_id ?? '');
  if (!miner || (minerFailed !== 'failed' && minerFailed !== 'timed-out')) return undefined;
  if (exclusionsOf(before)[operatorKey(miner)]?.blamed) return undefined;
  return { operatorId: miner.operator_id, accountId: before.account_id, model: before.model };
}
