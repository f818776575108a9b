import type { WriteContext } from '../store/operation.ts';
import type { Row } from '../store/schema.ts';
import { newRecord, type ReputationPolicy, scoreOf } from './reputation.ts';
import { noteTurn } from './roster.ts';

/*
 * A standing belongs to an operator: whoever runs miners, whatever their ids. An operator is suspended when its score
 * falls below the minimum. After a while it returns on probation: its miners get one job at a time, and each result is
 * compared with another owner's where possible. The rows of its miners repeat this state, because claims and the
 * directory read those.
 */

export type Standing = Row<'standing'>;

/** How many jobs an operator completes on probation. */
const PROBATION_JOBS = 10;

/** Returns standings by operator. Creates the missing ones. */
export async function loadStandings(
  operatorIds: Iterable<number>,
  { tx, now }: Pick<WriteContext, 'tx' | 'now'>,
): Promise<Map<number, Standing>> {
  const ids = [...new Set(operatorIds)];
  const found = new Map((await tx.load('standing', 'id', ids)).map(row => [row.id, row]));
  const missing = ids.filter(id => !found.has(id)).map(id => newStanding(id, now));
  await tx.insert('standing', missing);
  for (const row of missing) found.set(row.id, row);
  return found;
}

export const newStanding = (id: number, now: number): Standing => ({
  id,
  ...newRecord(now),
  probation: 0,
  compared: 0,
  alone: 0,
});

/** Returns the standing after a suspension or probation begins or ends now, or undefined if nothing changes. */
export function judgeStanding(
  standing: Standing,
  now: number,
  policy: ReputationPolicy,
): Standing | undefined {
  if (standing.suspended_at !== null) {
    if (now - standing.suspended_at < policy.suspensionMs) return undefined;
    return { ...newStanding(standing.id, now), probation: PROBATION_JOBS };
  }
  if (scoreOf(standing, now, policy) < policy.minimum)
    return { ...standing, suspended_at: now, probation: 0 };
  return undefined;
}

/** Writes the state of operators to their miners' rows. Returns the changed miners. */
export async function updateMiners(
  standings: readonly Standing[],
  context: WriteContext,
): Promise<Row<'miner'>[]> {
  if (standings.length === 0) return [];
  const { tx, emit, publish } = context;
  const byId = new Map(standings.map(standing => [standing.id, standing]));
  const miners = await tx.load('miner', 'operator_id', [...byId.keys()]);
  const changes = miners.flatMap(before => {
    const standing = byId.get(before.operator_id);
    if (!standing) return [];
    const after = { ...before, ...stateOf(standing) };
    noteTurn(before, after, context);
    return [{ before, after }];
  });
  const changed = changes.map(({ after }) => after);
  await tx.change('miner', changes);
  for (const miner of changed) if (miner.status !== 'removed') emit({ type: 'miner.changed', miner });
  await publish('miner.changed', changes);
  return changed;
}

/** Returns the columns of a miner's row that repeat its operator's standing. */
export const stateOf = ({
  suspended_at,
  suspended_by,
  probation,
}: Standing): Pick<Row<'miner'>, 'suspended_at' | 'suspended_by' | 'probation'> => ({
  suspended_at,
  suspended_by,
  probation: probation > 0 ? 1 : 0,
});

/** Counts the completed jobs of operators on probation. Probation ends with the last of PROBATION_JOBS. */
export async function passProbation(
  miners: readonly Row<'miner'>[],
  standings: ReadonlyMap<number, Standing>,
  context: WriteContext,
): Promise<void> {
  const changed = new Map<number, Standing>();
  for (const { operator_id: id, probation } of miners) {
    const standing = probation === 1 ? (changed.get(id) ?? standings.get(id)) : undefined;
    if (standing && standing.probation > 0)
      changed.set(id, { ...standing, probation: standing.probation - 1 });
  }
  const rows = [...changed.values()];
  await context.tx.update(
    'standing',
    rows.map(({ id, probation }) => ({ id, probation })),
  );
  await updateMiners(
    rows.filter(({ probation }) => probation === 0),
    context,
  );
}
