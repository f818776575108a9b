import { type EvidenceRule, RULE_TERMS } from './rules.ts';
import { type AnswerScore, rounded } from './score-answer.ts';

/*
 * The test over a miner's answers. It may be looked at after every answer: an honest miner is ever accused by its e-value
 * with a probability of at most 1 in 1,000, however many answers it gives.
 *
 * Within an answer. For an honest miner the deficit of a token, d = -(surplus + slack), has a mean of at most 0 given all
 * tokens before it, is at most c, and its mean square is at most v, the variance that the rule gives and a quarter of it
 * more: the largest that was measured of honest miners was a seventh more. Then
 *
 *     exp(L * sum(d) - psi(L) * sum(v))     with psi(L) = (exp(L * c) - 1 - L * c) / c^2
 *
 * is a supermartingale for every L > 0: Freedman, On tail probabilities for martingales, 1975; as "sub-Poisson" in Howard,
 * Ramdas, McAuliffe and Sekhon, Time-uniform Chernoff bounds via nonnegative supermartingales, 2020 (arXiv 1808.03204).
 * So its value at the end of the answer is an e-value: a number of at least 0 with a mean of at most 1.
 *
 * Over answers. An e-value stays one when it is capped, and when it is mixed with 1: e' = 1 - share + share * min(e, cap).
 * That is a bet of a share of the wealth (Waudby-Smith and Ramdas, arXiv 2010.09686; Grünwald, de Heide and Koolen, arXiv
 * 1906.07801), and finds a miner that cheats in some answers only. Products of such bets are supermartingales again, and
 * so is a mean of several bets, begun at every answer j with the weight 1 / (j * (j + 1)): honest answers before do not
 * protect whoever begins to cheat. By Ville's inequality it ever exceeds 1,000 with a probability of at most 1 in 1,000.
 */

export interface EvidenceState {
  version: 1;
  answers: number;
  /** At most 1/1,000 of honest miners ever have one beyond 1,000. */
  e_value: number;
  accused_alone_of_last_20: number;
  /** Once accused, it stays so: what comes after an appeal is a new state. */
  judgement: AnswerScore['judgement'];
  /** Which of the two tests accused. */
  accused_by: 'e_value' | 'alone' | null;
  /** The natural logarithm of each bet's wealth. */
  log_wealths: readonly number[];
  /** Which of the last 20 answers were accused alone, by their numbers from 1. */
  alone: readonly number[];
}

export const EVIDENCE_TEST = {
  /** An e-value beyond this accuses. */
  accusing: 1_000,
  /** So many of the last 20 answers accused alone accuse too. */
  alone: 3,
  window: 20,
  /** One answer multiplies a bet by at most this, so that fewer than three never accuse, whatever went wrong with them. */
  mostPerAnswer: 40,
  /** Fewer answers say nothing in a miner's favour. */
  fewestAnswers: 10,
} as const;

/** How much larger than the rule's variance an honest miner's mean square may be. */
const VARIANCE_MARGIN = 1.25;

interface Bet {
  /** The share of the wealth that is bet on each answer. */
  share: number;
  /** L above, for sampled answers and for those at temperature 0. */
  sampled: number;
  greedy: number;
}

const BETS: readonly Bet[] = [
  { share: 1, sampled: 0.05, greedy: 0.5 },
  { share: 1, sampled: 0.1, greedy: 1 },
  { share: 1, sampled: 0.2, greedy: 1.7 },
  { share: 1, sampled: 0.4, greedy: 2.5 },
  { share: 0.2, sampled: 0.15, greedy: 1 },
  { share: 0.2, sampled: 0.3, greedy: 2 },
  { share: 0.2, sampled: 0.6, greedy: 3 },
  { share: 0.05, sampled: 0.3, greedy: 2 },
];

/** Beyond this a bet's wealth says nothing new, and its exponential would leave the numbers of JSON. */
const MOST_LOG_WEALTH = 600;

export function startEvidence(): EvidenceState {
  return {
    ...{ version: 1, answers: 0, e_value: 1, accused_alone_of_last_20: 0 },
    ...{ judgement: 'inconclusive', accused_by: null, log_wealths: [], alone: [] },
  };
}

/** Returns the state after one more answer. Answers without tokens change nothing. */
export function addEvidence(
  state: EvidenceState,
  answer: Pick<AnswerScore, 'rule' | 'tokens' | 'sum' | 'variance' | 'judgement'>,
): EvidenceState {
  if (answer.tokens === 0) return state;
  const answers = state.answers + 1;
  const begun = 1 / (answers * (answers + 1));
  const log_wealths = BETS.map((bet, index) => {
    const before = Math.exp(state.log_wealths[index] ?? Number.NEGATIVE_INFINITY);
    return rounded(Math.min(Math.log(before + begun) + logOutcome(bet, answer), MOST_LOG_WEALTH));
  });
  const alone = [...state.alone, ...(answer.judgement === 'accused' ? [answers] : [])].filter(
    number => number > answers - EVIDENCE_TEST.window,
  );
  // What is kept for bets that begin later has not been won or lost yet.
  const kept = 1 / (answers + 1);
  const e_value = kept + log_wealths.reduce((sum, wealth) => sum + Math.exp(wealth), 0) / BETS.length;
  const accused_by = state.accused_by ?? accusing(e_value, alone.length);
  const innocent = answers < EVIDENCE_TEST.fewestAnswers ? 'inconclusive' : 'consistent';
  return {
    ...{ version: 1, answers, e_value, accused_alone_of_last_20: alone.length },
    ...{ judgement: accused_by ? 'accused' : innocent, accused_by, log_wealths, alone },
  };
}

function accusing(eValue: number, alone: number): EvidenceState['accused_by'] {
  if (eValue > EVIDENCE_TEST.accusing) return 'e_value';
  return alone >= EVIDENCE_TEST.alone ? 'alone' : null;
}

/** The logarithm of what a bet becomes by an answer. */
function logOutcome(
  { share, ...bet }: Bet,
  answer: Pick<AnswerScore, 'rule' | 'tokens' | 'sum' | 'variance'>,
): number {
  const rate = answer.rule === 'greedy/1' ? bet.greedy : bet.sampled;
  const e = Math.exp(Math.min(logEValue(answer, rate), Math.log(EVIDENCE_TEST.mostPerAnswer)));
  return Math.log(1 - share + share * e);
}

function logEValue(
  { rule, tokens, sum, variance }: { rule: EvidenceRule; tokens: number; sum: number; variance: number },
  rate: number,
): number {
  const { slack, deepest } = RULE_TERMS[rule];
  const deficit = -(sum + slack * tokens);
  const psi = (Math.exp(rate * deepest) - 1 - rate * deepest) / deepest ** 2;
  return rate * deficit - psi * VARIANCE_MARGIN * variance;
}
