import type { WriteContext } from '../store/operation.ts';
import type { Row } from '../store/schema.ts';
import { abilitiesOf } from './eligibility.ts';
import { RECORD, type ReputationPolicy, weighed } from './reputation.ts';
import { judged, loadStandings, type Standing, tellMiners } from './standing.ts';

/** `last_seen_at` is written at most this often, so that polling costs no writes. */
const SEEN_EVERY_MS = 5_000;

/** Of operations that hear of miners. */
export interface MinerPolicy {
  reputation: ReputationPolicy;
}

/**
 * Notes that these miners are alive; one that was offline is online again, or draining if it was before. What is known
 * of their operators is weighed anew, and judged. Answers the operators' standings, by operator.
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
    if (miner.status !== 'offline' && now - miner.last_seen_at < SEEN_EVERY_MS) continue;
    if (seen.has(miner.id)) continue;
    const isBack = miner.status === 'offline';
    if (isBack) {
      miner.status = miner.draining ? 'draining' : 'online';
      returned++;
    }
    miner.last_seen_at = now;
    if (isBack) context.emit({ type: 'miner.changed', miner: { ...miner } });
    seen.set(miner.id, miner);
  }
  await tx.update('miner', 'id', ['status', 'last_seen_at'], [...seen.values()]);
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
  const weighedAnew: Standing[] = [];
  const changed: Standing[] = [];
  for (const standing of standings.values()) {
    const after = judged(standing, now, policy);
    if (after) changed.push(after);
    // A time that is yet to come is one of a damaged row.
    else if (now - standing.weighed_at >= SEEN_EVERY_MS || standing.weighed_at > now)
      weighedAnew.push({ ...standing, ...weighed(standing, now, policy) });
  }
  for (const standing of [...changed, ...weighedAnew]) standings.set(standing.id, standing);
  await tx.update('standing', 'id', RECORD, weighedAnew);
  await tx.update('standing', 'id', JUDGED, changed);
  const told = new Map((await tellMiners(changed, context)).map(miner => [miner.id, miner]));
  for (const miner of present) {
    const { suspended_at, probation } = told.get(miner.id) ?? miner;
    Object.assign(miner, { suspended_at, probation });
  }
}

const JUDGED = [...RECORD, 'suspended_at', 'probation', 'compared', 'alone'] as const;

/** What comparing results has shown, by the ids of miners; one is named once for each result. */
export interface Comparisons {
  agreed: readonly string[];
  disagreed: readonly string[];
  /** Whose results were held against those of two others, and of them those that began like neither. */
  compared: readonly string[];
  alone: readonly string[];
}

/** Notes them with the miners' operators. */
export async function noteComparisons(
  comparisons: Comparisons,
  { tx }: Pick<WriteContext, 'tx'>,
): Promise<void> {
  const { agreed, disagreed, compared, alone } = comparisons;
  const ids = [...new Set([...agreed, ...disagreed, ...compared])];
  const operators = new Map((await tx.load('miner', 'id', ids)).map(miner => [miner.id, miner.operator_id]));
  const count = (id: string, among: readonly string[]) => among.filter(other => other === id).length;
  for (const id of ids) {
    const operator = operators.get(id);
    if (operator === undefined) continue;
    const counts = {
      agreements: count(id, agreed),
      disagreements: count(id, disagreed),
      compared: count(id, compared),
      alone: count(id, alone),
    };
    await tx.add('standing', 'id', [{ id: operator, ...counts }]);
  }
}

/** Notes which of their models miners have in memory. What they said before costs no write. */
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
  await tx.update('miner', 'id', ['loaded'], [...changed.values()]);
  for (const miner of changed.values()) emit({ type: 'miner.changed', miner: { ...miner } });
}

/** Moves the count of miners that are online or draining. */
export async function countActive(by: number, { tx }: WriteContext): Promise<void> {
  if (by !== 0) await tx.add('counter', 'name', [{ name: 'miners.active', value: by }]);
}
