/** The nearest amount with 6 decimals, as receipts carry them: no smaller part of a credit is ever accounted for. */
export function roundCredits(credits: number): number {
  return Number(credits.toFixed(6));
}

/** An amount in millionths of a credit, a whole number: sums of those are exact. */
export function microCredits(credits: number): number {
  return Math.round(credits * 1e6);
}

const MICRO = 1_000_000n;
const PLAIN_DECIMAL = /^(-?\d+)(?:\.(\d{1,6}))?$/;

/**
 * A number in millionths, exactly as canonical JSON spells it where it has at most 6 decimals; any other is rounded to
 * the nearest.
 */
export function microUnits(value: number): bigint {
  const [, whole, decimals = ''] = PLAIN_DECIMAL.exec(String(value)) ?? [];
  if (whole !== undefined) return BigInt(whole + decimals.padEnd(6, '0'));
  // Larger numbers have no decimals, and would be written with an exponent.
  return Math.abs(value) < 1e15
    ? BigInt(value.toFixed(6).replace('.', ''))
    : BigInt(Math.round(value)) * MICRO;
}

/**
 * What units cost, in millionths of a credit: exactly units × rate, rounded to the nearest whole one, halves up. Both
 * count with 6 decimals.
 *
 * @param rate credits for `per` units
 * @param per whole units
 */
export function microPrice(units: number, rate: number, per = 1): number {
  return Number(exactMicroPrice(units, rate, per));
}

/** The same where it may be beyond what a number can hold exactly. */
export function exactMicroPrice(units: number, rate: number, per = 1): bigint {
  const divisor = MICRO * BigInt(per);
  return (2n * microUnits(units) * microUnits(rate) + divisor) / (2n * divisor);
}
