import type { TokenScore } from '@aitbc/evidence';
import type { KnownSampler } from './sampler.ts';

/* What a model thinks of the next token, and the numbers that a verification needs of it. */

/**
 * The distribution of the next token. The likeliest tokens have exact values; what remains of the probability is taken as
 * spread evenly over the rest of the vocabulary. That makes the entropy of the rest its largest, in favour of the miner:
 * with 4,000 tokens by less than 0.005 nats up to temperature 1.3.
 */
export interface Distribution {
  /** Log-probabilities at temperature 1, the best first. */
  top: readonly number[];
  /** How many tokens are not in `top`. */
  rest: number;
}

/**
 * @param logits of the best tokens, the best first, divided by the temperature
 * @param total the sum of exp(logit - best logit) over the whole vocabulary
 */
export function createDistribution(
  logits: readonly number[],
  { total, temperature, vocabulary }: { total: number; temperature: number; vocabulary: number },
): Distribution {
  const best = logits[0] ?? 0;
  const atTemperature = logits.map(logit => logit - best - Math.log(total));
  const distribution = { top: atTemperature, rest: vocabulary - logits.length };
  return temperature === 1 ? distribution : tempered(distribution, 1 / temperature);
}

/** The same distribution at another temperature. */
export function tempered({ top, rest }: Distribution, temperature: number): Distribution {
  const even = evenly({ top, rest }) / temperature;
  const scaled = top.map(logprob => logprob / temperature);
  const best = scaled[0] ?? 0;
  let total = rest * Math.exp(even - best);
  for (const value of scaled) total += Math.exp(value - best);
  return { top: scaled.map(value => value - best - Math.log(total)), rest };
}

/** The log-probability of each token that is not in `top`. */
function evenly({ top, rest }: Distribution): number {
  let mass = 1;
  for (const logprob of top) mass -= Math.exp(logprob);
  return mass > 1e-9 && rest > 0 ? Math.log(mass / rest) : Number.NEGATIVE_INFINITY;
}

/**
 * Scores one token.
 *
 * @param behind how far the token's log-probability at temperature 1 is behind the best one's
 * @param sampler what the job's tokens were drawn by, `null` if that is not known
 */
export function scoreToken(
  distribution: Distribution,
  behind: number,
  { temperature, sampler }: { temperature: number; sampler: KnownSampler | null },
): TokenScore {
  const scale = temperature === 0 ? 1 : temperature;
  const sampled = scale === 1 ? distribution : tempered(distribution, scale);
  const place = (within: Distribution) => Math.min((within.top[0] ?? 0) - behind / scale, 0);
  const score = { full: { logprob: place(sampled), ...spreadOf(sampled) }, below_best: Math.max(behind, 0) };
  if (sampler === null || temperature === 0) return { ...score, nucleus: null };
  const count = mostKept(keptBy(distribution, sampler), keptBy(sampled, sampler));
  const nucleus = count === undefined ? sampled : first(sampled, count);
  const limit = (distribution.top[0] ?? 0) - (distribution.top.at((count ?? 0) - 1) ?? 0);
  const isInside = count === undefined || behind <= limit + 1e-6;
  return { ...score, nucleus: { logprob: isInside ? place(nucleus) : null, ...spreadOf(nucleus) } };
}

/** Entropy, and the variance of the log-probability of a token that is drawn. */
function spreadOf(distribution: Distribution): { entropy: number; variance: number } {
  let [mean, square] = [0, 0];
  for (const logprob of distribution.top) {
    const weighed = Math.exp(logprob) * logprob;
    mean += weighed;
    square += weighed * logprob;
  }
  const even = evenly(distribution);
  if (even > Number.NEGATIVE_INFINITY) {
    const weighed = distribution.rest * Math.exp(even) * even;
    mean += weighed;
    square += weighed * even;
  }
  return { entropy: Math.max(-mean, 0), variance: Math.max(square - mean * mean, 0) };
}

/** The first tokens alone, as if there were no others. */
function first({ top }: Distribution, count: number): Distribution {
  const kept = top.slice(0, count);
  const mass = Math.log(kept.reduce((sum, logprob) => sum + Math.exp(logprob), 0));
  return { top: kept.map(logprob => logprob - mass), rest: 0 };
}

/**
 * Engines cut before or after they apply the temperature (llama.cpp before, vLLM after). The larger set is taken: an honest
 * miner that drew from the smaller one only looks likelier.
 */
function mostKept(one: number | undefined, other: number | undefined): number | undefined {
  return one === undefined || other === undefined ? undefined : Math.max(one, other);
}

/**
 * Returns how many of the best tokens may be drawn: top_k, then top_p of what that leaves, then min_p, as llama.cpp, Ollama
 * and vLLM do. `undefined`: all of the vocabulary, or more than the distribution has exact values of.
 */
function keptBy(distribution: Distribution, { top_k, top_p, min_p }: KnownSampler): number | undefined {
  let { top } = distribution;
  let isCut = false;
  if (top_k > 0 && top_k <= top.length) {
    top = first(distribution, top_k).top;
    isCut = true;
  }
  if (top_p < 1) {
    let [mass, count] = [0, 0];
    while (count < top.length && mass < top_p) mass += Math.exp(top[count++] ?? 0);
    if (mass >= top_p) isCut = true;
    if (isCut) top = top.slice(0, Math.max(count, 1));
  }
  if (min_p > 0) {
    const least = (top[0] ?? 0) + Math.log(min_p);
    const count = top.findIndex(logprob => logprob < least);
    if (count > 0) [top, isCut] = [top.slice(0, count), true];
  }
  return isCut ? top.length : undefined;
}
