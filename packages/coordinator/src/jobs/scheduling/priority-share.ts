import { LRUCache } from 'lru-cache';
import type { JobRow } from '../job.ts';
import type { Clock } from './fairness.ts';

/** The job whose turn it is on a clock. */
interface ClockTurn {
  fairQueue: { clock: Pick<Clock, 'dispatched_at'> };
  job: Pick<JobRow, 'priority'>;
}

/**
 * Returns the turn of a lower priority that should go before `best` this time, or undefined. Counts the miner's turns
 * in which a lower priority waits.
 */
export type Yielding = <Turn extends ClockTurn>(
  minerId: string,
  best: Turn,
  turns: Iterable<Turn>,
  isPassedOver: (turn: Turn) => boolean,
) => Turn | undefined;

/** The number of miners whose turns are counted. A forgotten miner starts again at 0. */
const MAX_MINERS = 10_000;

/** Allows for rounding when a share such as 0.1 is added up ten times. */
const ALMOST = 1e-9;

/**
 * Gives lower priorities a share of each miner's turns, so that urgent jobs delay others but never stop them. Among
 * lower priorities and models, the one that was served longest ago goes first. A model that the miner would have to
 * load is skipped while it is passed over.
 *
 * @param share from 0, which gives nothing, to 1
 */
export function createYielding(share: number): Yielding {
  const owed = new LRUCache<string, number>({ max: MAX_MINERS });
  return <Turn extends ClockTurn>(
    minerId: string,
    best: Turn,
    turns: Iterable<Turn>,
    isPassedOver: (turn: Turn) => boolean,
  ) => {
    if (share === 0) return undefined;
    let lowest: Turn | undefined;
    let isLowerWaiting = false;
    for (const turn of turns) {
      if (turn.job.priority >= best.job.priority) continue;
      isLowerWaiting = true;
      if (isPassedOver(turn)) continue;
      if (!lowest || turn.fairQueue.clock.dispatched_at < lowest.fairQueue.clock.dispatched_at) lowest = turn;
    }
    if (!isLowerWaiting) return undefined;
    const due = Math.min((owed.get(minerId) ?? 0) + share, 1);
    const yields = lowest !== undefined && due >= 1 - ALMOST;
    owed.set(minerId, yields ? 0 : due);
    return yields ? lowest : undefined;
  };
}
