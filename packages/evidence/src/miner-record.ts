import type { EvidenceRule } from './rules.ts';
import { judgeAnswer } from './score-answer.ts';
import { addEvidence, type EvidenceState, startEvidence } from './sequential-test.ts';

/** What a verification in the ledger says, as far as the record of a miner depends on it. */
export interface RecordedAnswer {
  verification_id: string;
  /** Null where nothing was scored. */
  rule: string | null;
  tokens: number;
  sum: number;
  variance: number;
  judgement: 'consistent' | 'accused' | 'inconclusive';
  /** Whether it counts for the miner. */
  counts: boolean;
  /** Whether the record begins anew before it. */
  clears: boolean;
  /** Unix seconds. */
  created_at: number;
}

/** What the verifications of one miner with one passport add up to. */
export interface MinerRecord {
  state: EvidenceState;
  consistent: number;
  accused: number;
  inconclusive: number;
  tokens: number;
  /** How often the test has accused the miner, when it did last, in Unix seconds, and by which verification. */
  accusations: number;
  accused_at: number | null;
  accused_by: string | null;
}

export const EMPTY_RECORD: MinerRecord = {
  ...{ state: startEvidence(), consistent: 0, accused: 0, inconclusive: 0, tokens: 0 },
  ...{ accusations: 0, accused_at: null, accused_by: null },
};

/** Returns the record after one more verification. The order of verifications is that of the ledger. */
export function addAnswer(record: MinerRecord, answer: RecordedAnswer): MinerRecord {
  const before = answer.clears ? startEvidence() : record.state;
  const judgement = answer.counts || answer.judgement === 'inconclusive' ? answer.judgement : null;
  const counted = {
    ...record,
    state: before,
    ...(judgement && { [judgement]: record[judgement] + 1 }),
    tokens: record.tokens + (answer.counts ? answer.tokens : 0),
  };
  if (!answer.counts || answer.rule === null) return counted;
  const { rule, tokens, sum, variance } = answer;
  const state = addEvidence(before, judgeAnswer({ rule: rule as EvidenceRule, tokens, sum, variance }));
  if (state.judgement !== 'accused' || before.judgement === 'accused') return { ...counted, state };
  const accused = { accused_at: answer.created_at, accused_by: answer.verification_id };
  return { ...counted, ...accused, state, accusations: record.accusations + 1 };
}
