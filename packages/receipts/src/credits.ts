/** Rounds to 6 decimals, the smallest part of a credit that receipts carry. */
export function roundCredits(credits: number): number {
  return Number(credits.toFixed(6));
}

/** Returns an amount in whole millionths of a credit, whose sums are exact. */
export function microCredits(credits: number): number {
  return Math.round(credits * 1e6);
}

const MICRO = 1_000_000n;
const PLAIN_DECIMAL = /^(-?\d+)(?:\.(\d{1,6}))?$/;

/**
 * Returns a number in millionths. The result is exact for a number that canonical JSON writes with at most 6
 * decimals; any other is rounded to the nearest millionth.
 */
export function microUnits(value: number): bigint {
  const [, whole, decimals = ''] = PLAIN_DECIMAL.exec(String(value)) ?? [];
  if (whole !== undefined) return BigInt(whole + decimals.padEnd(6, '0'));
  // Numbers from 1e15 have no decimals, and `toFixed` would write the largest with an exponent.
  return Math.abs(value) < 1e15
    ? BigInt(value.toFixed(6).replace('.', ''))
    : BigInt(Math.round(value)) * MICRO;
}

/**
 * Returns what units cost, in millionths of a credit: units × rate, computed exactly and rounded to the
 * nearest whole number, halves up. Both factors count with 6 decimals.
 *
 * @param rate credits for `per` units
 * @param per whole units
 */
export function microPrice(units: number, rate: number, per = 1): number {
  return Number(exactMicroPrice(units, rate, per));
}

/** Returns what {@link microPrice} does, as a bigint, for prices beyond what a number holds exactly. */
export function exactMicroPrice(units: number, rate: number, per = 1): bigint {
  const divisor = MICRO * BigInt(per);
  return (2n * microUnits(units) * microUnits(rate) + divisor) / (2n * divisor);
}
