import { HISTORY_DAYS } from '@aitbc/protocol';
import { done, type Operation, type WriteContext } from '../../store/operation.ts';
import type { Row } from '../../store/schema.ts';
import { DAY_MS, dayId, dayOf } from './day-id.ts';

/** A day has 288 slots of five minutes. A miner is there in a slot if it is when the slot is counted. */
export const SLOT_MS = 300_000;

/** How many miners are counted at once, since other writes wait meanwhile. */
const AT_ONCE = 500;

/**
 * Counts the present slot for the miners that are online or draining, each once, whoever counts. Forgets days that nobody
 * is shown any more. Returns whether there are more.
 */
export const countMinerDays: Operation<undefined, { more: boolean }> = {
  name: 'explorer.count-miner-days',
  async apply(inputs, context) {
    const { tx, now } = context;
    const present = await tx.query<{ id: string }>(
      ['miner', 'miner_day'],
      `SELECT miner.id FROM miner LEFT JOIN miner_day ON miner_day.id = miner.id || ?
        WHERE miner.status IN ('online', 'draining') AND (miner_day.last_slot IS NULL OR miner_day.last_slot < ?)
        ORDER BY miner.id LIMIT ${AT_ONCE}`,
      [dayId('', dayOf(now)), Math.floor(now / SLOT_MS)],
    );
    await count(['', ...present.map(({ id }) => id)], context);
    const old = await tx.query<Pick<Row<'miner_day'>, 'id'>>(
      ['miner_day'],
      `SELECT id FROM miner_day WHERE day <= ? LIMIT ${AT_ONCE}`,
      [dayOf(now) - HISTORY_DAYS.miner],
    );
    await tx.delete(
      'miner_day',
      old.map(({ id }) => id),
    );
    const more = present.length === AT_ONCE || old.length === AT_ONCE;
    return inputs.map(() => done({ more }));
  },
};

async function count(
  minerIds: readonly string[],
  { tx, now }: Pick<WriteContext, 'tx' | 'now'>,
): Promise<void> {
  const day = dayOf(now);
  const slot = Math.floor(now / SLOT_MS);
  const ids = minerIds.map(id => dayId(id, day));
  const known = new Map((await tx.load('miner_day', 'id', ids)).map(row => [row.id, row]));
  const rows = ids.flatMap(id => {
    const { slots, last_slot } = known.get(id) ?? { slots: 0, last_slot: -1 };
    return last_slot < slot ? [{ id, day, slots: slots + 1, last_slot: slot }] : [];
  });
  await tx.upsert('miner_day', rows);
}

/** What was counted of a miner on a day, or of the coordinator. */
export type CountedDay = Pick<Row<'miner_day'>, 'slots' | 'last_slot'>;

/**
 * Returns the share of a day's slots in which a miner was there, or null if none is known. The slot that is under way is part
 * of it once the miner was counted in it: a miner that has just registered, or is about to be counted, is not absent.
 *
 * @param since when the miner registered, in ms since the epoch
 */
export function availabilityOf(
  day: number,
  { own, all }: { own: CountedDay | undefined; all: CountedDay | undefined },
  { since, now }: { since: number; now: number },
): number | null {
  const current = Math.floor(now / SLOT_MS);
  const isCounted = own?.last_slot === current;
  const counted = (all?.slots ?? 0) - (all?.last_slot === current && !isCounted ? 1 : 0);
  const first = Math.floor(Math.max(day * DAY_MS, since) / SLOT_MS);
  const end = Math.min(isCounted ? current + 1 : current, ((day + 1) * DAY_MS) / SLOT_MS);
  const possible = Math.min(counted, Math.max(end - first, 0));
  return possible === 0 ? null : Math.min((own?.slots ?? 0) / possible, 1);
}
