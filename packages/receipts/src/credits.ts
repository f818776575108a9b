/** The nearest amount with 6 decimals, as receipts carry them: no smaller part of a credit is ever accounted for. */
export function roundCredits(credits: number): number {
  return Number(credits.toFixed(6));
}
