import type { Reputation } from '@aitbc/protocol';
import { isoTime } from '../store/numbers.ts';
import type { Row } from '../store/schema.ts';
import type { MinerConfig } from './options.ts';

/*
 * How far an operator's miners can be relied on, from 0 to 1: how many of their runs end with a result. What is long ago
 * counts less, so that an operator can better itself; and a new one begins as if it had some good runs behind it, so that
 * one failure says little.
 *
 * Only what the miner chose counts: failures of the engine that it reports, and leases that it lets run out. Requests that
 * are refused or not supported, busy engines, deadlines that the client's price set, and the coordinator's own absence
 * count for nothing; one job counts once, and what one account and one model can do is bounded (`blame.ts`). Results that
 * differ from others' cost nothing either: honest engines differ by their build and by what else they run. Only results
 * that begin like nobody's bring probation (`standing.ts`).
 */

export interface ReputationPolicy {
  /** What happened so long ago counts half, in ms. */
  halfLifeMs: number;
  /** An operator whose score is below this is suspended. */
  minimum: number;
  /** For so long, in ms; then it is on probation. */
  suspensionMs: number;
}

export const reputationPolicy = (
  config: Pick<MinerConfig, 'reputationHalfLifeDays' | 'minReputation' | 'suspensionHours'>,
): ReputationPolicy => ({
  halfLifeMs: config.reputationHalfLifeDays * 24 * 3600 * 1000,
  minimum: config.minReputation,
  suspensionMs: config.suspensionHours * 3600 * 1000,
});

/** What became of runs, as of `weighed_at`. */
export type TrackRecord = Pick<Row<'standing'>, (typeof COUNTS)[number] | 'weighed_at'>;

const COUNTS = ['successes', 'failures', 'timeouts', 'agreements', 'disagreements'] as const;

/** The columns that hold it. */
export const RECORD = [...COUNTS, 'weighed_at'] as const;

export const newRecord = (now: number): TrackRecord & Pick<Row<'standing'>, 'suspended_at'> => ({
  successes: 0,
  failures: 0,
  timeouts: 0,
  agreements: 0,
  disagreements: 0,
  weighed_at: now,
  suspended_at: null,
});

/** Runs that a new miner is taken to have behind it, and how many of them were good. */
const PRIOR_RUNS = 10;
const PRIOR_SUCCESSES = 9;

/** What is left at `now` of a count as of `weighedAt`. */
export const decayOf = (
  weighedAt: number,
  now: number,
  { halfLifeMs }: Pick<ReputationPolicy, 'halfLifeMs'>,
) => 2 ** -(Math.max(now - weighedAt, 0) / halfLifeMs);

/** The record as it counts now. */
export function weighed(record: TrackRecord, now: number, policy: ReputationPolicy): TrackRecord {
  const factor = decayOf(record.weighed_at, now, policy);
  return {
    successes: record.successes * factor,
    failures: record.failures * factor,
    timeouts: record.timeouts * factor,
    agreements: record.agreements * factor,
    disagreements: record.disagreements * factor,
    weighed_at: now,
  };
}

/** From 0 to 1. A new operator has 0.9. */
export function scoreOf(record: TrackRecord, now: number, policy: ReputationPolicy): number {
  const { successes, failures, timeouts } = weighed(record, now, policy);
  return (PRIOR_SUCCESSES + successes) / (PRIOR_RUNS + successes + failures + timeouts);
}

/** Indexes of miners that ask at once, in the order in which they are served: the best score first, else as they came. */
export function bestFirst(
  miners: readonly (Row<'miner'> | undefined)[],
  standings: ReadonlyMap<number, TrackRecord>,
  policy: ReputationPolicy,
  now: number,
): number[] {
  const places = [...miners.keys()];
  if (miners.length < 2) return places;
  const scores = miners.map(miner => {
    const record = miner && standings.get(miner.operator_id);
    return record ? scoreOf(record, now, policy) : 0;
  });
  return places.sort((a, b) => (scores[b] ?? 0) - (scores[a] ?? 0));
}

/** Whether new jobs may be given to it. */
export const takesJobs = ({ status, suspended_at }: Row<'miner'>) =>
  status === 'online' && suspended_at === null;

export function toReputation(
  standing: TrackRecord,
  suspended_at: number | null,
  now: number,
  policy: ReputationPolicy,
): Reputation {
  const record = weighed(standing, now, policy);
  return {
    score: rounded(scoreOf(standing, now, policy), 3),
    ...(Object.fromEntries(COUNTS.map(name => [name, rounded(record[name], 2)])) as Omit<
      Reputation,
      'score' | 'suspended_at'
    >),
    suspended_at: suspended_at === null ? null : isoTime(suspended_at),
  };
}

const rounded = (value: number, decimals: number) => Number(value.toFixed(decimals));
