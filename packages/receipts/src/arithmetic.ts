import type { Receipt } from '@aitbc/protocol';

/** Units by name, and how many of them a job of some milliseconds makes. */
const UNITS = new Map([['gpu_second', (durationMs: number) => durationMs / 1000]]);

/**
 * What does not add up within a receipt, in words. A receipt doesn't carry the rate, so its price is only compared with
 * nothing at all having been used.
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
  return faults;
}

/** Whole seconds, each rounded down; 0 where the coordinator's clock was set back meanwhile, as it counts it. */
function timesSpan({ started_at, completed_at }: Receipt): number {
  return Math.max(completed_at - started_at, 0);
}
