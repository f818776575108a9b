import type { Reputation } from '@aitbc/protocol';
import type { Config } from '../config.ts';
import { isoTime } from '../store/numbers.ts';
import type { Row } from '../store/schema.ts';

/*
 * How far a miner can be relied on, from 0 to 1: how many of its runs end with a result, times how many of its results
 * are what others get. Results count apart, since few of them are compared: among a thousand successes, ten lies that
 * were found in ten looks would not be seen. What is long ago counts less, so that a miner can better itself; and a
 * new one begins as if it had some good runs behind it, so that one failure says little.
 */

export interface ReputationTerms {
  /** What happened so long ago counts half, in ms. */
  halfLifeMs: number;
  /** A miner whose score is below this is suspended. */
  minimum: number;
}

export const reputationTerms = (
  config: Pick<Config, 'reputationHalfLifeDays' | 'minReputation'>,
): ReputationTerms => ({
  halfLifeMs: config.reputationHalfLifeDays * 24 * 3600 * 1000,
  minimum: config.minReputation,
});

/** What became of runs, as of `weighed_at`. */
export type TrackRecord = Pick<Row<'miner'>, (typeof COUNTS)[number] | 'weighed_at'>;

const COUNTS = ['successes', 'failures', 'timeouts', 'agreements', 'disagreements'] as const;

/** The columns that hold it. */
export const RECORD = [...COUNTS, 'weighed_at', 'suspended_at'] as const;

export const newRecord = (now: number): Pick<Row<'miner'>, (typeof RECORD)[number]> => ({
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
const PRIOR_AGREEMENTS = 4;
/** A disagreement weighs as much as so many agreements: honest miners differ now and then, by their hardware. */
const DISAGREEMENT_WEIGHT = 4;

/** The record as it counts now. */
export function weighed(record: TrackRecord, now: number, { halfLifeMs }: ReputationTerms): TrackRecord {
  const factor = 2 ** -(Math.max(now - record.weighed_at, 0) / halfLifeMs);
  return {
    successes: record.successes * factor,
    failures: record.failures * factor,
    timeouts: record.timeouts * factor,
    agreements: record.agreements * factor,
    disagreements: record.disagreements * factor,
    weighed_at: now,
  };
}

/** From 0 to 1. A new miner has 0.9. */
export function scoreOf(record: TrackRecord, now: number, terms: ReputationTerms): number {
  const { successes, failures, timeouts, agreements, disagreements } = weighed(record, now, terms);
  const reliability = (PRIOR_SUCCESSES + successes) / (PRIOR_RUNS + successes + failures + timeouts);
  const agreed = PRIOR_AGREEMENTS + agreements;
  return (reliability * agreed) / (agreed + DISAGREEMENT_WEIGHT * disagreements);
}

/** Whether a miner has come to be below what is demanded, and was not suspended before. */
export function isToSuspend(miner: Row<'miner'>, now: number, terms: ReputationTerms): boolean {
  return miner.suspended_at === null && scoreOf(miner, now, terms) < terms.minimum;
}

/** The places of miners that ask at once, in the order in which they are served. Among equals who came first is. */
export function bestFirst(
  miners: readonly (Row<'miner'> | undefined)[],
  terms: ReputationTerms,
  now: number,
): number[] {
  const places = [...miners.keys()];
  if (miners.length < 2) return places;
  const scores = miners.map(miner => (miner ? scoreOf(miner, now, terms) : 0));
  return places.sort((a, b) => (scores[b] ?? 0) - (scores[a] ?? 0));
}

/** Whether new jobs may be given to it. */
export const takesJobs = ({ status, suspended_at }: Row<'miner'>) =>
  status === 'online' && suspended_at === null;

export function toReputation(miner: Row<'miner'>, now: number, terms: ReputationTerms): Reputation {
  const record = weighed(miner, now, terms);
  const { suspended_at } = miner;
  return {
    score: rounded(scoreOf(miner, now, terms), 3),
    ...(Object.fromEntries(COUNTS.map(name => [name, rounded(record[name], 2)])) as Omit<
      Reputation,
      'score' | 'suspended_at'
    >),
    suspended_at: suspended_at === null ? null : isoTime(suspended_at),
  };
}

const rounded = (value: number, decimals: number) => Number(value.toFixed(decimals));
