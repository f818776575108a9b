import fc from 'fast-check';
import { expect, test } from 'vitest';
import { chargeFor, highestCharge, priceLimit, pricingOf } from '../src/receipts/pricing.ts';
import { tokenLimit } from '../src/receipts/token-limit.ts';

const rate = fc.oneof(fc.constant(0), fc.double({ min: 0, max: 2, noNaN: true }), fc.nat(1e6));
const pricing = fc
  .record({ rate, tokenRate: fc.option(rate, { nil: undefined }) })
  .map(({ rate, tokenRate }) =>
    pricingOf('m', { rate, rates: {}, tokenRates: tokenRate === undefined ? {} : { m: tokenRate } }),
  );
const limit = fc.option(fc.double({ min: 0, max: 1e9, noNaN: true }), { nil: undefined });
const job = fc.record({
  promptBytes: fc.nat(1e6),
  answerTokens: fc.integer({ min: 1, max: 1e9 }),
  limit,
  timeoutMs: fc.integer({ min: 1, max: 86_400_000 }),
});
const tokens = fc.option(fc.nat(2e9), { nil: undefined });

test('no run costs more than what was set aside for the job, and what was set aside is what some run costs', () => {
  fc.assert(
    fc.property(pricing, job, fc.nat(86_400_000), tokens, tokens, (pricing, job, ms, prompt, completion) => {
      const limits = {
        max_price: priceLimit(job.limit),
        token_limit: tokenLimit(job.promptBytes, job.answerTokens),
      };
      const usage = {
        ...(prompt !== undefined && { prompt_tokens: prompt }),
        ...(completion !== undefined && { completion_tokens: completion }),
      };
      const worst = highestCharge(job.timeoutMs, limits, pricing);
      const { price } = chargeFor({ durationMs: Math.min(ms, job.timeoutMs), usage }, limits, pricing);
      expect([Number.isSafeInteger(worst), Number.isSafeInteger(price), price >= 0]).toEqual([
        true,
        true,
        true,
      ]);
      expect(price).toBeLessThanOrEqual(worst);
      const longest = { durationMs: job.timeoutMs, usage: { completion_tokens: 2e9 } };
      expect(chargeFor(longest, limits, pricing).price).toBe(worst);
    }),
    { numRuns: 2_000 },
  );
});

test("a client's limit is never exceeded, and loses less than a millionth", () => {
  fc.assert(
    fc.property(fc.double({ min: 0, max: 1e9, noNaN: true }), asked => {
      const limit = priceLimit(asked) ?? Number.NaN;
      expect(limit).toBeLessThanOrEqual(asked);
      // Of a billion credits, a double has 7 digits behind the point.
      expect(asked - limit).toBeLessThan(1e-6 + asked * 2 ** -52);
    }),
    { numRuns: 2_000 },
  );
});

test('a price that no receipt could carry is cut to the highest that one can, and says so', () => {
  const pricing = pricingOf('m', { rate: 1e6, rates: {}, tokenRates: {} });
  const run = { durationMs: 1_000_001_000, usage: undefined };
  expect(chargeFor(run, { max_price: null, token_limit: null }, pricing)).toEqual({
    units: 1_000_001,
    price: 1e15,
    limit: 1e9,
  });
});
