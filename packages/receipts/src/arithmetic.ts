import type { Receipt } from '@aitbc/protocol';
import { microPrice, roundCredits } from './credits.ts';
import { isObject } from './shape.ts';

/** Units by name, and how many of them a receipt is for. */
const UNITS = new Map<string, (receipt: Receipt) => { units: number; from: string }>([
  ['gpu_second', ({ duration_ms }) => ({ units: duration_ms / 1000, from: `${duration_ms} ms are` })],
  ['token', receipt => ({ units: tokensOf(receipt), from: 'the tokens that were counted are' })],
]);

/**
 * What does not add up within a receipt, in words. Units of time are the duration's; tokens are those of the prompt and
 * the answer in `metadata.usage`, up to `metadata.token_limit`. The price is units × `metadata.rate`, of tokens
 * `metadata.rate_per_1000` for a thousand, exactly, rounded to 6 decimals, halves up; and `metadata.max_price` where
 * there is one that is lower. Without a rate it is only compared with nothing at all having been used.
 */
export function miscalculations(receipt: Receipt): string[] {
  const { units, unit_type, price, duration_ms } = receipt;
  const faults: string[] = [];
  const span = timesSpan(receipt);
  if (Math.abs(span - duration_ms / 1000) >= 1) {
    faults.push(`${duration_ms} ms passed, but ${span} s lie between start and completion`);
  }
  const expected = UNITS.get(unit_type)?.(receipt);
  if (expected !== undefined && units !== expected.units) {
    faults.push(`${expected.from} ${expected.units} ${unit_type}, not ${units}`);
  }
  if (units === 0 && price !== 0) faults.push(`0 units cost ${price}`);
  const due = priceOf(receipt);
  if (due !== undefined && price !== due) faults.push(`${units} ${unit_type} cost ${due}, not ${price}`);
  return faults;
}

function priceOf({ units, unit_type, metadata }: Receipt): number | undefined {
  const { rate, rate_per_1000, max_price } = metadata;
  const most = typeof max_price === 'number' ? max_price : Infinity;
  const cost = (micros: number) => roundCredits(Math.min(micros / 1e6, most));
  if (unit_type === 'token' && typeof rate_per_1000 === 'number')
    return cost(microPrice(units, rate_per_1000, 1000));
  return typeof rate === 'number' ? cost(microPrice(units, rate)) : undefined;
}

function tokensOf({ metadata: { usage, token_limit } }: Receipt): number {
  const { prompt_tokens = 0, completion_tokens = 0 } = isObject(usage) ? usage : {};
  return Math.min(
    Number(prompt_tokens) + Number(completion_tokens),
    typeof token_limit === 'number' ? token_limit : Infinity,
  );
}

/** Whole seconds, each rounded down; 0 where the coordinator's clock was set back meanwhile, as it counts it. */
function timesSpan({ started_at, completed_at }: Receipt): number {
  return Math.max(completed_at - started_at, 0);
}
