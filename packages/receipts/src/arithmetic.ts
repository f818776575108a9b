import type { Receipt } from '@aitbc/protocol';
import { roundCredits } from './credits.ts';

/** Units by name, and how many of them a job of some milliseconds makes. */
const UNITS = new Map([['gpu_second', (durationMs: number) => durationMs / 1000]]);

/**
 * What does not add up within a receipt, in words. The price is units × `metadata.rate`, and `metadata.max_price` where
 * the client set one that is lower; without a rate it is only compared with nothing at all having been used.
 */
export function miscalculations(receipt: Receipt): string[] {
  const { units, unit_type, price, duration_ms } = receipt;
  const faults: string[] = [];
  const span = timesSpan(receipt);
  if (Math.abs(span - duration_ms / 1000) >= 1) {
    faults.push(`${duration_ms} ms passed, but ${span} s lie between start and completion`);
  }
  const expected = UNITS.get(unit_type)?.(duration_ms);
  if (expected !== undefined && units !== expected) {
    faults.push(`${duration_ms} ms are ${expected} ${unit_type}, not ${units}`);
  }
  if (units === 0 && price !== 0) faults.push(`0 units cost ${price}`);
  const due = priceOf(receipt);
  if (due !== undefined && price !== due) faults.push(`${units} ${unit_type} cost ${due}, not ${price}`);
  return faults;
}

function priceOf({ units, metadata: { rate, max_price } }: Receipt): number | undefined {
  if (typeof rate !== 'number') return undefined;
  return roundCredits(Math.min(units * rate, typeof max_price === 'number' ? max_price : Infinity));
}

/** Whole seconds, each rounded down; 0 where the coordinator's clock was set back meanwhile, as it counts it. */
function timesSpan({ started_at, completed_at }: Receipt): number {
  return Math.max(completed_at - started_at, 0);
}
