import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createDistribution, scoreToken } from '../src/verifying/distribution.ts';
import { samplerOf, temperatureOf } from '../src/verifying/sampler.ts';

const RUNS = { numRuns: 60 };
const NO_LIMITS = { top_k: 0, top_p: 1, min_p: 0 };

const vocabulary = fc.array(fc.double({ min: -12, max: 6, noNaN: true }), { minLength: 30, maxLength: 60 });
const temperature = fc.double({ min: 0.3, max: 2, noNaN: true });

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
const descending = (values: readonly number[]) => [...values].sort((a, b) => b - a);

/** The distribution as engines tell it: some of the best logits, divided by a temperature, and the exact total. */
function told(logits: readonly number[], at: number, count = logits.length) {
  const scaled = descending(logits).map(logit => logit / at);
  const total = sum(scaled.map(logit => Math.exp(logit - (scaled[0] ?? 0))));
  return createDistribution(scaled.slice(0, count), { total, temperature: at, vocabulary: logits.length });
}

function probabilities(logits: readonly number[], at: number): number[] {
  const weights = logits.map(logit => Math.exp(logit / at));
  return weights.map(weight => weight / sum(weights));
}

test('log-probability, entropy and variance are those of the whole distribution at the temperature', () => {
  fc.assert(
    fc.property(vocabulary, temperature, temperature, (logits, at, tellAt) => {
      const sorted = descending(logits);
      const p = probabilities(sorted, at);
      const entropy = -sum(p.map(value => value * Math.log(value)));
      const square = sum(p.map(value => value * Math.log(value) ** 2));
      const behind = (sorted[0] ?? 0) - (sorted[7] ?? 0);
      const score = scoreToken(told(logits, tellAt), behind, { temperature: at, sampler: NO_LIMITS });
      expect(score.full.logprob).toBeCloseTo(Math.log(p[7] ?? 0), 6);
      expect(score.full.entropy).toBeCloseTo(entropy, 6);
      expect(score.full.variance).toBeCloseTo(square - entropy ** 2, 6);
      expect(score.below_best).toBeCloseTo(behind, 9);
      expect(score.nucleus).toEqual(score.full);
    }),
    RUNS,
  );
});

test('what is told of the best tokens only leaves the entropy too large, never too small', () => {
  fc.assert(
    fc.property(vocabulary, temperature, fc.integer({ min: 3, max: 29 }), (logits, at, count) => {
      const tellAt = Math.max(at, 1);
      const exact = scoreToken(told(logits, at), 0, { temperature: at, sampler: null });
      const bounded = scoreToken(told(logits, tellAt, count), 0, { temperature: tellAt, sampler: null });
      const whole = scoreToken(told(logits, tellAt), 0, { temperature: tellAt, sampler: null });
      expect(bounded.full.logprob).toBeCloseTo(whole.full.logprob, 9);
      expect(bounded.full.entropy).toBeGreaterThanOrEqual(whole.full.entropy - 1e-9);
      expect(exact.nucleus).toBeNull();
    }),
    RUNS,
  );
});

test('the nucleus has the tokens that the sampler can draw, in whichever order it cuts and tempers', () => {
  const limits = fc.record({
    top_k: fc.integer({ min: 0, max: 20 }),
    top_p: fc.double({ min: 0.05, max: 1, noNaN: true }),
    min_p: fc.constantFrom(0, 0.02, 0.2),
  });
  fc.assert(
    fc.property(vocabulary, temperature, limits, (logits, at, sampler) => {
      const sorted = descending(logits);
      const count = Math.max(
        drawable(probabilities(sorted, 1), sampler),
        drawable(probabilities(sorted, at), sampler),
      );
      const kept = probabilities(sorted.slice(0, count), at);
      for (const index of [0, count - 1, count]) {
        const own = sorted[index];
        // Equal logits are drawn alike, whichever of them the sort puts first.
        if (own === undefined || (index === count && (sorted[count - 1] ?? 0) - own < 1e-5)) continue;
        const score = scoreToken(told(logits, 1), (sorted[0] ?? 0) - own, { temperature: at, sampler });
        if (index === count) expect(score.nucleus?.logprob).toBeNull();
        else expect(score.nucleus?.logprob).toBeCloseTo(Math.log(kept[index] ?? 0), 6);
        expect(score.nucleus?.entropy).toBeCloseTo(-sum(kept.map(value => value * Math.log(value))), 6);
      }
    }),
    RUNS,
  );
});

/** How many of the sorted tokens llama.cpp and vLLM keep, written naively. */
function drawable(sorted: readonly number[], { top_k, top_p, min_p }: typeof NO_LIMITS): number {
  let kept = top_k > 0 ? sorted.slice(0, top_k) : [...sorted];
  const mass = sum(kept);
  if (top_p < 1) {
    const cumulated = kept.map((_, index) => sum(kept.slice(0, index + 1)) / mass);
    const enough = cumulated.findIndex(value => value >= top_p);
    if (enough >= 0) kept = kept.slice(0, enough + 1);
  }
  return kept.filter(value => value >= min_p * (kept[0] ?? 0)).length;
}

test('a sampler is known when all its limits are and nothing else changes the distribution', () => {
  const known = { temperature: 0.7, top_k: 40, top_p: 0.9, min_p: 0.05, repeat_penalty: 1, seed: 3 };
  expect(samplerOf(known)).toEqual({ top_k: 40, top_p: 0.9, min_p: 0.05 });
  expect(samplerOf({ ...known, presence_penalty: 0 })).not.toBeNull();
  for (const unknown of [{ repeat_penalty: 1.1 }, { frequency_penalty: 0.5 }, { top_k: undefined }])
    expect(samplerOf({ ...known, ...unknown })).toBeNull();
  expect(temperatureOf(known)).toBe(0.7);
  expect(temperatureOf({ top_p: 1 })).toBeUndefined();
});
