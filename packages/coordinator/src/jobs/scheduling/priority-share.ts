import { LRUCache } from 'lru-cache';
import type { JobRow } from '../job.ts';
import type { Clock } from './fairness.ts';

/** The job whose turn it is on a clock. */
export interface ClockTurn {
  fairQueue: { clock: Pick<Clock, 'dispatched_at'> };
  job: Pick<JobRow, 'priority'>;
}

/**
 * The turn of a lower priority that comes before `best` this time; undefined where `best` goes first. Counts the
 * miner's turns in which a lower priority waits.
 */
export type Yielding = <Turn extends ClockTurn>(
  minerId: string,
  best: Turn,
  turns: Iterable<Turn>,
  isPassedOver: (turn: Turn) => boolean,
) => Turn | undefined;

/** Miners whose turns are counted. One that is forgotten begins anew. */
const MOST_MINERS = 10_000;

/** Rounding, where a share such as 0.1 is added up ten times. */
const ALMOST = 1e-9;

/**
 * Gives lower priorities a share of each miner's turns, so that urgent jobs delay others but never stop them. Among
 * lower priorities and models goes first which was served longest ago, so each gets a part of the share. A model that
 * the miner would have to load gets its turn when it is not passed over for that any more.
 *
 * @param share from 0, which yields nothing, to 1
 */
export function createYielding(share: number): Yielding {
  const owed = new LRUCache<string, number>({ max: MOST_MINERS });
  return <Turn extends ClockTurn>(
    minerId: string,
    best: Turn,
    turns: Iterable<Turn>,
    isPassedOver: (turn: Turn) => boolean,
  ) => {
    if (share === 0) return undefined;
    let lowest: Turn | undefined;
    let isContested = false;
    for (const turn of turns) {
      if (turn.job.priority >= best.job.priority) continue;
      isContested = true;
      if (isPassedOver(turn)) continue;
      if (!lowest || turn.fairQueue.clock.dispatched_at < lowest.fairQueue.clock.dispatched_at) lowest = turn;
    }
    if (!isContested) return undefined;
    const due = Math.min((owed.get(minerId) ?? 0) + share, 1);
    const yields = lowest !== undefined && due >= 1 - ALMOST;
    owed.set(minerId, yields ? 0 : due);
    return yields ? lowest : undefined;
  };
}
