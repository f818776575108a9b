import type { TokenUsage } from '@aitbc/protocol';
import { LIMITS } from '@aitbc/protocol/limits';
import { microCredits, microPrice, roundCredits } from '@aitbc/receipts';

/** How the jobs of a model are priced: by GPU seconds or by tokens. */
export type Pricing =
  | { unit: 'gpu_second' /** Credits per GPU second. */; rate: number }
  | { unit: 'token' /** Credits per 1000 tokens. */; ratePer1000: number };

export interface PriceList {
  rate: number;
  rates: Readonly<Record<string, number>>;
  tokenRates: Readonly<Record<string, number>>;
}

/** Returns how a model is priced: by tokens if it has a token rate, by GPU seconds otherwise. */
export function pricingOf(model: string, { rate, rates, tokenRates }: PriceList): Pricing {
  const ratePer1000 = ownRate(tokenRates, model);
  if (ratePer1000 !== undefined) return { unit: 'token', ratePer1000: roundCredits(ratePer1000) };
  return { unit: 'gpu_second', rate: roundCredits(ownRate(rates, model) ?? rate) };
}

/** Returns the credits per GPU second of a model, which `max_price` may limit, and 0 if its time costs nothing. */
export const rateOf =
  (prices: PriceList) =>
  (model: string): number => {
    const pricing = pricingOf(model, prices);
    return pricing.unit === 'gpu_second' ? pricing.rate : 0;
  };

/** `Object.hasOwn` guards against models that are named like an inherited member, such as `constructor`. */
const ownRate = (rates: Readonly<Record<string, number>>, model: string) =>
  Object.hasOwn(rates, model) ? rates[model] : undefined;

/** Returns the price in micro-credits. */
function priceOf(units: number, pricing: Pricing): number {
  return pricing.unit === 'token'
    ? microPrice(units, pricing.ratePer1000, 1000)
    : microPrice(units, pricing.rate);
}

/** The time and tokens that a run used. */
export interface PricedUsage {
  durationMs: number;
  usage: TokenUsage | undefined;
}

/** The limits of a job's cost. Null means that there is no limit. */
export interface PriceLimits {
  /** In credits. */
  max_price: number | null;
  token_limit: number | null;
}

export interface Charge {
  units: number;
  /** In micro-credits. */
  price: number;
  /** The price limit that applied, in credits. */
  limit: number | null;
}

/**
 * Computes what a run is charged.
 *
 * @param ceiling the most that the client can pay, in micro-credits
 */
export function chargeFor(
  { durationMs, usage }: PricedUsage,
  { max_price, token_limit }: PriceLimits,
  pricing: Pricing,
  ceiling = Infinity,
): Charge {
  const units = pricing.unit === 'token' ? chargedTokens(usage, token_limit) : durationMs / 1000;
  const fullPrice = priceOf(units, pricing);
  // A price with 6 decimals must be exact as a double, however high the rate is.
  const priceCap = max_price ?? (fullPrice > microCredits(LIMITS.price) ? LIMITS.price : null);
  const limit =
    ceiling <= Math.min(fullPrice, priceCap === null ? Infinity : microCredits(priceCap))
      ? ceiling / 1e6
      : priceCap;
  return { units, price: limit === null ? fullPrice : Math.min(fullPrice, microCredits(limit)), limit };
}

/** Returns the most that a job can cost if a run takes all of `timeoutMs`, in micro-credits. */
export function highestCharge(
  timeoutMs: number,
  { max_price, token_limit }: PriceLimits & { token_limit: number },
  pricing: Pricing,
): number {
  const units = pricing.unit === 'token' ? token_limit : timeoutMs / 1000;
  return Math.min(priceOf(units, pricing), microCredits(max_price ?? LIMITS.price));
}

/** Rounds a client's price limit down to the 6 decimals of receipts. Returns null if there is no limit. */
export function priceLimit(credits: number | undefined): number | null {
  if (credits === undefined) return null;
  const rounded = roundCredits(credits);
  return rounded <= credits ? rounded : roundCredits(credits - 5e-7);
}

/** Returns the number of billed tokens: those of the prompt and the answer that the miner reported, up to `limit`. */
function chargedTokens(usage: TokenUsage | undefined, limit: number | null): number {
  const { prompt_tokens = 0, completion_tokens = 0 } = usage ?? {};
  return Math.min(prompt_tokens + completion_tokens, limit ?? Infinity);
}
