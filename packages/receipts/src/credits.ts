/** The nearest amount with 6 decimals, as receipts carry them: no smaller part of a credit is ever accounted for. */
export function roundCredits(credits: number): number {
  return Number(credits.toFixed(6));
}

/** An amount in millionths of a credit, a whole number: sums of those are exact. */
export function microCredits(credits: number): number {
  return Math.round(credits * 1e6);
}
