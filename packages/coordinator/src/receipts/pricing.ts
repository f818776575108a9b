import type { TokenUsage } from '@aitbc/protocol';
import { roundCredits } from '@aitbc/receipts';

/** What a model's jobs are charged by. */
export type Pricing =
  | { unit: 'gpu_second' /** Credits for one. */; rate: number }
  | { unit: 'token' /** Credits for a thousand. */; ratePer1000: number };

export interface PriceList {
  rate: number;
  rates: Readonly<Record<string, number>>;
  tokenRates: Readonly<Record<string, number>>;
}

/** By tokens where the model has a price for them, else by seconds. */
export function pricingOf(model: string, { rate, rates, tokenRates }: PriceList): Pricing {
  const ratePer1000 = own(tokenRates, model);
  if (ratePer1000 !== undefined) return { unit: 'token', ratePer1000: roundCredits(ratePer1000) };
  return { unit: 'gpu_second', rate: roundCredits(own(rates, model) ?? rate) };
}

/** A model may be named like a member that every object has: `constructor`. */
const own = (rates: Readonly<Record<string, number>>, model: string) =>
  Object.hasOwn(rates, model) ? rates[model] : undefined;

/** Not rounded. */
export function priceOf(units: number, pricing: Pricing): number {
  return pricing.unit === 'token' ? (units * pricing.ratePer1000) / 1000 : units * pricing.rate;
}

/** Tokens that are charged for: of the prompt and of the answer, as far as they were counted. */
export function chargedTokens(usage: TokenUsage | undefined, limit: number | null): number {
  const { prompt_tokens = 0, completion_tokens = 0 } = usage ?? {};
  return Math.min(prompt_tokens + completion_tokens, limit ?? Infinity);
}

/** What the chat template of a model may add to a prompt. */
const TEMPLATE_TOKENS = 1_000;

/** The most that a job can be charged for: a token of text has a byte at least. */
export function tokenLimit(promptBytes: number, answerTokens: number): number {
  return promptBytes + TEMPLATE_TOKENS + answerTokens;
}
