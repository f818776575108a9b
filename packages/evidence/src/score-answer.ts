import {
  ACCUSED_BELOW,
  type EvidenceRule,
  FEWEST_TOKENS,
  GREEDY_GAP,
  RULE_TERMS,
  VARIANCE_ALLOWANCE,
} from './rules.ts';
import type { TokenScore } from './token-score.ts';

export interface AnswerScore {
  rule: EvidenceRule;
  tokens: number;
  /** The sum of what the rule gives each token. */
  sum: number;
  /** The variance of that sum for an honest miner, with the allowance for other builds. */
  variance: number;
  /** How far the mean is above what is expected at least from an honest miner, in standard errors. */
  z: number;
  judgement: 'consistent' | 'accused' | 'inconclusive';
}

export interface ScoringOptions {
  /** The temperature that the job was sampled at. */
  temperature: number;
  /** Default: `greedy/1` at temperature 0, otherwise `nucleus/1` if every token has a nucleus, otherwise `robust/1`. */
  rule?: EvidenceRule | undefined;
}

/**
 * Sums up one answer. `accused` means that it is unlikely, not that it is proven: some answers in a thousand of honest
 * miners are accused. `inconclusive`: there is nothing to go by, or the answer is too short to be accused alone.
 */
export function scoreAnswer(tokens: readonly TokenScore[], options: ScoringOptions): AnswerScore {
  const rule = options.rule ?? defaultRule(tokens, options.temperature);
  const values = tokens.map(token => tokenValue(token, rule));
  if (values.length === 0 || values.includes(undefined)) return emptyScore(rule);
  let [sum, variance] = [0, 0];
  for (const value of values) {
    sum += value?.surplus ?? 0;
    variance += value?.variance ?? 0;
  }
  return judgeAnswer({ rule, tokens: tokens.length, sum, variance });
}

/** Judges an answer by its sums, as the ledger has them. */
export function judgeAnswer(sums: Pick<AnswerScore, 'rule' | 'tokens' | 'sum' | 'variance'>): AnswerScore {
  const { rule, tokens } = sums;
  if (tokens === 0 || sums.variance <= 0) return emptyScore(rule);
  const [sum, variance] = [rounded(sums.sum), rounded(sums.variance)];
  const z = rounded((sum + RULE_TERMS[rule].slack * tokens) / Math.sqrt(variance));
  const isLow = z < -ACCUSED_BELOW;
  const judgement = !isLow ? 'consistent' : tokens < FEWEST_TOKENS ? 'inconclusive' : 'accused';
  return { rule, tokens, sum, variance, z, judgement };
}

const emptyScore = (rule: EvidenceRule): AnswerScore => ({
  ...{ rule, tokens: 0, sum: 0, variance: 0, z: 0 },
  judgement: 'inconclusive',
});

function defaultRule(tokens: readonly TokenScore[], temperature: number): EvidenceRule {
  if (temperature === 0) return 'greedy/1';
  return tokens.every(({ nucleus }) => nucleus !== null) ? 'nucleus/1' : 'robust/1';
}

/** Returns nothing for a token of which the verifier does not know what the rule asks. */
function tokenValue(
  { full, nucleus, below_best }: TokenScore,
  rule: EvidenceRule,
): { surplus: number; variance: number } | undefined {
  const { slack, deepest } = RULE_TERMS[rule];
  if (rule === 'greedy/1')
    return { surplus: below_best > GREEDY_GAP ? -1 : 0, variance: slack * (1 - slack) };
  const within = rule === 'nucleus/1' ? nucleus : full;
  if (within === null) return undefined;
  const surplus = within.logprob === null ? -deepest : within.logprob + within.entropy;
  return { surplus: Math.max(surplus, -deepest), variance: within.variance + VARIANCE_ALLOWANCE };
}

/** To six decimals, as the ledger has numbers, so that whoever recomputes starts from the same ones. */
export function rounded(value: number): number {
  return Math.round(value * 1e6) / 1e6;
}
