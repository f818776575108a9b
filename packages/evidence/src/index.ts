export { isEcho } from './echo.ts';
export { addAnswer, EMPTY_RECORD, type MinerRecord, type RecordedAnswer } from './miner-record.ts';
export { EVIDENCE_RULES, type EvidenceRule, RULE_TERMS } from './rules.ts';
export { type AnswerScore, judgeAnswer, type ScoringOptions, scoreAnswer } from './score-answer.ts';
export { addEvidence, EVIDENCE_TEST, type EvidenceState, startEvidence } from './sequential-test.ts';
export type { TokenScore } from './token-score.ts';
