import { COORDINATOR_ITSELF, recordActions } from '../audit/record-actions.ts';
import type { WriteContext } from '../store/operation.ts';
import type { Row } from '../store/schema.ts';
import type { RowChange } from '../store/transaction.ts';
import { abilitiesOf } from './eligibility.ts';
import { decayRecord, type ReputationPolicy } from './reputation.ts';
import { noteTurn } from './roster.ts';
import { judgeStanding, loadStandings, type Standing, updateMiners } from './standing.ts';

/** How often `last_seen_at` is written at most, so that polling causes few writes. */
const LAST_SEEN_EVERY_MS = 5_000;

/** The settings of operations in which miners make contact. */
export interface MinerPolicy {
  reputation: ReputationPolicy;
}

/**
 * Records that these miners are alive. A miner that was offline is online or draining again. Decays and judges the
 * records of their operators, and returns the standings by operator.
 */
export async function noteSeen(
  miners: Iterable<Row<'miner'>>,
  { reputation: policy }: MinerPolicy,
  context: WriteContext,
): Promise<Map<number, Standing>> {
  const { tx, now } = context;
  const present = [...miners];
  const standings = await loadStandings(
    present.map(miner => miner.operator_id),
    context,
  );
  await judge(present, standings, policy, context);
  const seen = new Map<string, Row<'miner'>>();
  let returned = 0;
  for (const miner of present) {
    if (miner.status !== 'offline' && now - miner.last_seen_at < LAST_SEEN_EVERY_MS) continue;
    if (seen.has(miner.id)) continue;
    const isBack = miner.status === 'offline';
    const before = { ...miner };
    if (isBack) {
      miner.status = miner.draining ? 'draining' : 'online';
      returned++;
    }
    miner.last_seen_at = now;
    if (isBack) context.emit({ type: 'miner.changed', miner: { ...miner } });
    if (isBack) noteTurn(before, miner, context);
    seen.set(miner.id, miner);
  }
  await tx.update(
    'miner',
    [...seen.values()].map(({ id, status, last_seen_at }) => ({ id, status, last_seen_at })),
  );
  await countActive(returned, context);
  return standings;
}

async function judge(
  present: readonly Row<'miner'>[],
  standings: Map<number, Standing>,
  policy: ReputationPolicy,
  context: WriteContext,
): Promise<void> {
  const { tx, now } = context;
  const changes: RowChange<Standing>[] = [];
  const changed: Standing[] = [];
  for (const before of standings.values()) {
    const judged = judgeStanding(before, now, policy);
    if (judged) changed.push(judged);
    // A time in the future means that the row is damaged.
    const isDue = now - before.weighed_at >= LAST_SEEN_EVERY_MS || before.weighed_at > now;
    const after = judged ?? (isDue ? { ...before, ...decayRecord(before, now, policy) } : undefined);
    if (after) changes.push({ before, after });
  }
  for (const { after } of changes) standings.set(after.id, after);
  await tx.change('standing', changes);
  const updated = new Map((await updateMiners(changed, context)).map(miner => [miner.id, miner]));
  const suspended = [...updated.values()].filter(miner => miner.suspended_at === now);
  await recordActions(
    suspended.map(miner => ({ actor: COORDINATOR_ITSELF, action: 'miner.suspend', target: miner.id })),
    context,
  );
  for (const miner of present) {
    const { suspended_at, suspended_by, probation } = updated.get(miner.id) ?? miner;
    Object.assign(miner, { suspended_at, suspended_by, probation });
  }
}

/** The outcomes of comparing results, as miner ids. An id occurs once for each result. */
export interface Comparisons {
  agreed: readonly string[];
  disagreed: readonly string[];
}

/**
 * Adds the comparisons to the standings of the miners' operators. They are shown and cost nothing: honest engines differ by
 * their build and by what else they run.
 */
export async function noteComparisons(
  comparisons: Comparisons,
  { tx }: Pick<WriteContext, 'tx'>,
): Promise<void> {
  const { agreed, disagreed } = comparisons;
  const ids = [...new Set([...agreed, ...disagreed])];
  const operators = new Map((await tx.load('miner', 'id', ids)).map(miner => [miner.id, miner.operator_id]));
  const count = (id: string, among: readonly string[]) => among.filter(other => other === id).length;
  for (const id of ids) {
    const operator = operators.get(id);
    if (operator === undefined) continue;
    const counts = {
      agreements: count(id, agreed),
      disagreements: count(id, disagreed),
    };
    await tx.add('standing', [{ id: operator, ...counts }]);
  }
}

/** Records which models miners have in memory. An unchanged report causes no write. */
export async function noteLoaded(
  reports: Iterable<{ miner: Row<'miner'>; models: readonly string[] }>,
  { tx, emit }: WriteContext,
): Promise<void> {
  const changed = new Map<string, Row<'miner'>>();
  for (const { miner, models } of reports) {
    const { capabilities } = abilitiesOf(miner);
    const loaded = JSON.stringify([...capabilities].filter(model => models.includes(model)));
    if (loaded === miner.loaded) continue;
    miner.loaded = loaded;
    changed.set(miner.id, miner);
  }
  await tx.update(
    'miner',
    [...changed.values()].map(({ id, loaded }) => ({ id, loaded })),
  );
  for (const miner of changed.values()) emit({ type: 'miner.changed', miner: { ...miner } });
}

/** Changes the count of miners that are online or draining. */
export async function countActive(by: number, { tx }: WriteContext): Promise<void> {
  if (by !== 0) await tx.add('counter', [{ name: 'miners.active', value: by }]);
}
