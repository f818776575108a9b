import type { Reputation } from '@aitbc/protocol';
import { isoTime } from '../store/numbers.ts';
import type { Row } from '../store/schema.ts';
import type { MinerConfig } from './options.ts';

/*
 * The reputation of an operator is a score from 0 to 1: the share of its miners' runs that end with a result. Runs
 * decay with time, so that an operator can improve. A new operator starts with some assumed good runs, so that one
 * failure changes little.
 *
 * Only what a miner can control counts: engine failures that it reports, and leases that it lets expire. Requests that
 * were refused or unsupported, busy engines, deadlines set by the client's price and outages of the coordinator do not
 * count. A job counts at most once, and one account or model can only do limited harm (`blame.ts`). Results that differ
 * from others' cost nothing, because honest engines differ by their build and by what else they run: verifiers read them
 * (`verifications/`).
 */

export interface ReputationPolicy {
  /** The half-life of the record, in ms. */
  halfLifeMs: number;
  /** Operators with a lower score are suspended. */
  minimum: number;
  /** How long a suspension lasts, in ms. Probation follows. */
  suspensionMs: number;
}

export const reputationPolicy = (
  config: Pick<MinerConfig, 'reputationHalfLifeDays' | 'minReputation' | 'suspensionHours'>,
): ReputationPolicy => ({
  halfLifeMs: config.reputationHalfLifeDays * 24 * 3600 * 1000,
  minimum: config.minReputation,
  suspensionMs: config.suspensionHours * 3600 * 1000,
});

/** The decayed counts of run outcomes, as of `weighed_at`. */
export type TrackRecord = Pick<Row<'standing'>, (typeof COUNTS)[number] | 'weighed_at'>;

const COUNTS = ['successes', 'failures', 'timeouts', 'agreements', 'disagreements'] as const;

/** The columns of a track record. */
export const TRACK_RECORD_COLUMNS = [...COUNTS, 'weighed_at'] as const;

export const newRecord = (
  now: number,
): TrackRecord & Pick<Row<'standing'>, 'suspended_at' | 'suspended_by'> => ({
  successes: 0,
  failures: 0,
  timeouts: 0,
  agreements: 0,
  disagreements: 0,
  weighed_at: now,
  suspended_at: null,
  suspended_by: null,
});

/** A new operator is assumed to have this many runs, and this many successes among them. */
const PRIOR_RUNS = 10;
const PRIOR_SUCCESSES = 9;

/** Returns the factor by which a count as of `weighedAt` has decayed at `now`. */
export const decayFactor = (
  weighedAt: number,
  now: number,
  { halfLifeMs }: Pick<ReputationPolicy, 'halfLifeMs'>,
) => 2 ** -(Math.max(now - weighedAt, 0) / halfLifeMs);

/** Returns the record decayed to `now`. */
export function decayRecord(record: TrackRecord, now: number, policy: ReputationPolicy): TrackRecord {
  const factor = decayFactor(record.weighed_at, now, policy);
  return {
    successes: record.successes * factor,
    failures: record.failures * factor,
    timeouts: record.timeouts * factor,
    agreements: record.agreements * factor,
    disagreements: record.disagreements * factor,
    weighed_at: now,
  };
}

/** Returns the score, from 0 to 1. A new operator has 0.9. */
export function scoreOf(record: TrackRecord, now: number, policy: ReputationPolicy): number {
  const { successes, failures, timeouts } = decayRecord(record, now, policy);
  return (PRIOR_SUCCESSES + successes) / (PRIOR_RUNS + successes + failures + timeouts);
}

/**
 * Indexes of the waiting miners in serving order: best reputation first; equal reputations keep their order of arrival.
 */
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

/** Whether the miner may be given new jobs. */
export const takesJobs = ({ status, suspended_at }: Row<'miner'>) =>
  status === 'online' && suspended_at === null;

export function toReputation(
  standing: TrackRecord,
  { suspended_at, suspended_by }: Pick<Row<'miner'>, 'suspended_at' | 'suspended_by'>,
  now: number,
  policy: ReputationPolicy,
): Reputation {
  const record = decayRecord(standing, now, policy);
  return {
    score: rounded(scoreOf(standing, now, policy), 3),
    ...(Object.fromEntries(COUNTS.map(name => [name, rounded(record[name], 2)])) as Omit<
      Reputation,
      'score' | 'suspended_at' | 'suspended_by'
    >),
    suspended_at: suspended_at === null ? null : isoTime(suspended_at),
    suspended_by,
  };
}

const rounded = (value: number, decimals: number) => Number(value.toFixed(decimals));
