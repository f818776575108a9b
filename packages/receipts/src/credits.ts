/** The nearest amount with 6 decimals, as receipts carry them: no smaller part of a credit is ever accounted for. */
export function roundCredits(credits: number): number {
  return Number(credits.toFixed(6));
}

/** An amount in millionths of a credit, a whole number: sums of those are exact. */
export function microCredits(credits: number): number {
  return Math.round(credits * 1e6);
}

const MICRO = 1_000_000n;

/**
 * What units cost, in millionths of a credit: exactly units × rate, rounded to the nearest whole one, halves up. Both
 * count with 6 decimals.
 *
 * @param rate credits for `per` units
 * @param per whole units
 */
export function microPrice(units: number, rate: number, per = 1): number {
  const divisor = MICRO * BigInt(per);
  return Number((2n * micro(units) * micro(rate) + divisor) / (2n * divisor));
}

function micro(value: number): bigint {
  // Larger numbers have no decimals, and would be written with an exponent.
  return Math.abs(value) < 1e15
    ? BigInt(value.toFixed(6).replace('.', ''))
    : BigInt(Math.round(value)) * MICRO;
}
