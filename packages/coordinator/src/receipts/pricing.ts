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
