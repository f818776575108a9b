/* The rules that turn a verifier's numbers into one number for each answer. A changed rule gets a new version. */

export const EVIDENCE_RULES = ['nucleus/1', 'robust/1', 'greedy/1'] as const;
export type EvidenceRule = (typeof EVIDENCE_RULES)[number];

export interface RuleTerms {
  /** How far an honest answer's mean may be below zero, for each token. */
  slack: number;
  /** The most that one token can be below zero. */
  deepest: number;
}

/** A token's log-probability plus entropy: 0 on average for whoever samples from the verifier's distribution. */
const SURPLUS: RuleTerms = { slack: 0.1, deepest: 5 };

export const RULE_TERMS: Readonly<Record<EvidenceRule, RuleTerms>> = {
  /** Within the tokens that the job's sampler could have drawn. A token outside counts as `-deepest`. */
  'nucleus/1': SURPLUS,
  /** Over the whole vocabulary. Cutting the vocabulary only makes honest answers likelier, so no sampler is assumed. */
  'robust/1': SURPLUS,
  /** At temperature 0: -1 for a token that is clearly not the verifier's best one. */
  'greedy/1': { slack: 0.02, deepest: 1 },
};

/** At temperature 0, a token counts as another than the verifier's best when it is further below it, in nats. */
export const GREEDY_GAP = 0.3;

/**
 * What is added to the verifier's variance of each token, in square nats. Builds, batches and KV caches differ a little,
 * so that now and then an honest token is outside the verifier's nucleus: 0.2 % of them, 5 nats deep, make 0.05.
 */
export const VARIANCE_ALLOWANCE = 0.05;

/** An answer is accused alone when it is further below the slack than this, in standard errors: 1 in 1,000 if normal. */
export const ACCUSED_BELOW = 3.09;

/** One token outside the nucleus would accuse a shorter answer. */
export const FEWEST_TOKENS = 20;
