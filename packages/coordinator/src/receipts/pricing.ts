import type { TokenUsage } from '@aitbc/protocol';
import { LIMITS } from '@aitbc/protocol/limits';
import { microCredits, microPrice, roundCredits } from '@aitbc/receipts';

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

/** Credits for a second of each model, which `max_price` may limit; 0 where time costs nothing. */
export const rateOf =
  (prices: PriceList) =>
  (model: string): number => {
    const pricing = pricingOf(model, prices);
    return pricing.unit === 'gpu_second' ? pricing.rate : 0;
  };

/** A model may be named like a member that every object has: `constructor`. */
const own = (rates: Readonly<Record<string, number>>, model: string) =>
  Object.hasOwn(rates, model) ? rates[model] : undefined;

/** In micro-credits. */
function priceOf(units: number, pricing: Pricing): number {
  return pricing.unit === 'token'
    ? microPrice(units, pricing.ratePer1000, 1000)
    : microPrice(units, pricing.rate);
}

/** What a run took. */
export interface PricedUsage {
  durationMs: number;
  usage: TokenUsage | undefined;
}

/** What a job may cost. Null: nobody has set a limit. */
export interface PriceLimits {
  /** Credits. */
  max_price: number | null;
  token_limit: number | null;
}

export interface Charge {
  units: number;
  /** Micro-credits. */
  price: number;
  /** Credits: the limit that was looked at. */
  limit: number | null;
}

/**
 * What a job is charged for a run.
 *
 * @param ceiling the most that its client can pay, in micro-credits
 */
export function chargeFor(
  { durationMs, usage }: PricedUsage,
  { max_price, token_limit }: PriceLimits,
  pricing: Pricing,
  ceiling = Infinity,
): Charge {
  const units = pricing.unit === 'token' ? chargedTokens(usage, token_limit) : durationMs / 1000;
  const whole = priceOf(units, pricing);
  // However high the rate: a price with 6 decimals must be exact as a double.
  const most = max_price ?? (whole > microCredits(LIMITS.price) ? LIMITS.price : null);
  const limit =
    ceiling <= Math.min(whole, most === null ? Infinity : microCredits(most)) ? ceiling / 1e6 : most;
  return { units, price: limit === null ? whole : Math.min(whole, microCredits(limit)), limit };
}

/** The most that a job can be charged for any run of so long, in micro-credits. */
export function highestCharge(
  timeoutMs: number,
  { max_price, token_limit }: PriceLimits & { token_limit: number },
  pricing: Pricing,
): number {
  const units = pricing.unit === 'token' ? token_limit : timeoutMs / 1000;
  return Math.min(priceOf(units, pricing), microCredits(max_price ?? LIMITS.price));
}

/** A client's limit with the 6 decimals that receipts carry; never rounded up. Null where there is none. */
export function priceLimit(credits: number | undefined): number | null {
  if (credits === undefined) return null;
  const rounded = roundCredits(credits);
  return rounded <= credits ? rounded : roundCredits(credits - 5e-7);
}

/** Tokens that are charged for: of the prompt and of the answer, as far as they were counted. */
function chargedTokens(usage: TokenUsage | undefined, limit: number | null): number {
  const { prompt_tokens = 0, completion_tokens = 0 } = usage ?? {};
  return Math.min(prompt_tokens + completion_tokens, limit ?? Infinity);
}

/** What the chat template of a model may add to a prompt. */
const TEMPLATE_TOKENS = 256;

/** Tokens of an answer for which nobody has named a limit, as it usually is. */
const USUAL_ANSWER_TOKENS = 2_048;

/** The most that a job can be charged for: a token of text has a byte at least. */
export function tokenLimit(promptBytes: number, answerTokens: number): number {
  return promptBytes + TEMPLATE_TOKENS + answerTokens;
}

/** Those that a job is expected to be charged for at most. */
export function usualTokens(promptBytes: number, maxTokens = USUAL_ANSWER_TOKENS): number {
  return tokenLimit(promptBytes, maxTokens);
}

/** Lengths of the texts of a run, in UTF-8. */
export interface TextBytes {
  /** Null where it was not kept. */
  prompt: number | null;
  /** Result, reasoning and refusal. */
  answer: number;
}

/** What a miner has counted, as far as the texts allow it: a token has a byte at least. */
export function plausibleUsage(usage: TokenUsage, { prompt, answer }: TextBytes): TokenUsage {
  const most = { prompt: prompt === null ? Infinity : prompt + TEMPLATE_TOKENS, answer };
  const { prompt_tokens = most.prompt, completion_tokens = answer } = usage;
  const bounds = {
    prompt_tokens: most.prompt,
    completion_tokens: most.answer,
    cached_tokens: Math.min(prompt_tokens, most.prompt),
    reasoning_tokens: Math.min(completion_tokens, most.answer),
  };
  const names = Object.keys(bounds) as (keyof typeof bounds)[];
  return Object.fromEntries(
    names.flatMap(name => {
      const count = usage[name];
      return count === undefined ? [] : [[name, Math.min(count, bounds[name])]];
    }),
  );
}

/** Bytes that a token of text has, about. */
const BYTES_A_TOKEN = 4;

/**
 * Tokens of a text that was delivered before its job was cancelled, and that nobody has counted: of the answer its pieces,
 * or a quarter of its bytes where that is more, within its bytes and the job's `max_tokens`; of the prompt a quarter of its bytes.
 */
export function deliveredUsage(
  { prompt, answer }: { prompt: number; answer: number },
  pieces: number,
  maxTokens = Infinity,
): TokenUsage {
  const counted = Math.max(pieces, Math.ceil(answer / BYTES_A_TOKEN));
  return {
    prompt_tokens: Math.ceil(prompt / BYTES_A_TOKEN),
    completion_tokens: Math.min(counted, answer, maxTokens),
  };
}
