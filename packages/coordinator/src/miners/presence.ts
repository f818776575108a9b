import type { WriteContext } from '../store/operation.ts';
import type { Row } from '../store/schema.ts';
import { abilitiesOf } from './eligibility.ts';
import { isToSuspend, RECORD, type ReputationTerms, weighed } from './reputation.ts';

/** `last_seen_at` is written at most this often, so that polling costs no writes. */
const SEEN_EVERY_MS = 5_000;

/** Of operations that hear of miners. */
export interface MinerTerms {
  reputation: ReputationTerms;
}

/**
 * Notes that these miners are alive; one that was offline is online again, or draining if it was before. What is known
 * of them is weighed anew, and who has come to be below what is demanded is suspended.
 */
export async function noteSeen(
  miners: Iterable<Row<'miner'>>,
  { reputation: terms }: MinerTerms,
  context: WriteContext,
): Promise<void> {
  const { tx, now } = context;
  const seen = new Map<string, Row<'miner'>>();
  let returned = 0;
  for (const miner of miners) {
    const isFailing = isToSuspend(miner, now, terms);
    if (miner.status !== 'offline' && !isFailing && now - miner.last_seen_at < SEEN_EVERY_MS) continue;
    if (seen.has(miner.id)) continue;
    const isBack = miner.status === 'offline';
    if (isFailing) miner.suspended_at = now;
    if (isBack) {
      miner.status = miner.draining ? 'draining' : 'online';
      returned++;
    }
    miner.last_seen_at = now;
    Object.assign(miner, weighed(miner, now, terms));
    if (isBack || isFailing) context.emit({ type: 'miner.changed', miner: { ...miner } });
    seen.set(miner.id, miner);
  }
  await tx.update('miner', 'id', ['status', 'last_seen_at', ...RECORD], [...seen.values()]);
  await countActive(returned, context);
}

/** Notes whose results were what others got, and whose were not. A miner is named once for each result. */
export async function noteComparisons(
  { agreed, disagreed }: { agreed: readonly string[]; disagreed: readonly string[] },
  { tx }: WriteContext,
): Promise<void> {
  const compared = [
    ...agreed.map(id => ({ id, agreements: 1, disagreements: 0 })),
    ...disagreed.map(id => ({ id, agreements: 0, disagreements: 1 })),
  ];
  await tx.add('miner', 'id', compared);
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
