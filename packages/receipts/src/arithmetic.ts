import type { Receipt } from '@aitbc/protocol';
import { exactMicroPrice, microUnits } from './credits.ts';
import { isObject } from './shapes.ts';

const MICRO = 1_000_000n;

/**
 * Returns what does not add up within a receipt, one sentence for each fault. All of it is arithmetic in
 * whole numbers: M(x) is x in millionths, which is exact for a number of at most 6 decimals. A null member of
 * `metadata` counts as absent; one that is present must be a number of at least 0.
 *
 * - time: `duration_ms` plus `metadata.unbilled_ms` is less than 1,000 ms away from the whole seconds
 *   between `started_at` and `completed_at`
 * - units: M(units) of `gpu_second` is duration_ms × 1000; of `token` it is the sum of
 *   `metadata.usage.prompt_tokens` and `completion_tokens`, but at most `metadata.token_limit`, × 1,000,000;
 *   other units are not checked
 * - price: M(price) is M(units) × M(rate) / 1,000,000, or for tokens with a `metadata.rate_per_1000`
 *   M(units) × M(rate_per_1000) / 1,000,000,000, rounded to the nearest whole number, halves up, and at most
 *   M(metadata.max_price). Without a rate it is at most M(metadata.max_price). For 0 units it is 0.
 */
export function arithmeticFaults(receipt: Receipt): string[] {
  const numbers = readNumbers(receipt);
  return numbers.faults.length > 0
    ? numbers.faults
    : [...timeFaults(receipt, numbers), ...unitFaults(receipt, numbers), ...priceFaults(receipt, numbers)];
}

const WHOLE = ['unbilled_ms', 'token_limit'] as const;
const AMOUNTS = ['rate', 'rate_per_1000', 'max_price'] as const;
const TOKENS = ['prompt_tokens', 'completion_tokens'] as const;

type Name = (typeof WHOLE | typeof AMOUNTS | typeof TOKENS)[number];
type Numbers = { [N in Name]?: number } & { faults: string[] };

/** Reads the numbers of a receipt's metadata that its units and its price follow from. */
function readNumbers({ metadata }: Receipt): Numbers {
  const numbers: Numbers = { faults: [] };
  const read = (from: object, names: readonly Name[], isWhole: boolean, prefix: string) => {
    for (const name of names) {
      const value = Object.hasOwn(from, name) ? (from as Record<Name, unknown>)[name] : undefined;
      if (value === undefined || value === null) continue;
      const isRight = typeof value === 'number' && value >= 0 && (!isWhole || Number.isSafeInteger(value));
      if (isRight) numbers[name] = value;
      else numbers.faults.push(`${prefix}${name} is not a ${isWhole ? 'whole ' : ''}number of at least 0`);
    }
  };
  read(metadata, WHOLE, true, 'metadata.');
  read(metadata, AMOUNTS, false, 'metadata.');
  if (isObject(metadata.usage)) read(metadata.usage, TOKENS, true, 'metadata.usage.');
  return numbers;
}

/** Compares the duration with the two times, which are whole seconds, each rounded down. */
function timeFaults({ started_at, completed_at, duration_ms }: Receipt, { unbilled_ms = 0 }: Numbers) {
  const span = Math.max(completed_at - started_at, 0);
  const passed = BigInt(duration_ms) + BigInt(unbilled_ms);
  const gap = passed - BigInt(span) * 1000n;
  if (gap > -1000n && gap < 1000n) return [];
  return [`${passed} ms passed, but ${span} s lie between start and completion`];
}

function unitFaults({ units, unit_type, duration_ms }: Receipt, numbers: Numbers) {
  if (unit_type !== 'gpu_second' && unit_type !== 'token') return [];
  const expected = unit_type === 'token' ? tokensOf(numbers) * MICRO : BigInt(duration_ms) * 1000n;
  if (microUnits(units) === expected) return [];
  const from = unit_type === 'token' ? 'the tokens that were counted are' : `${duration_ms} ms are`;
  return [`${from} ${Number(expected) / 1e6} ${unit_type}, not ${units}`];
}

function tokensOf({ prompt_tokens = 0, completion_tokens = 0, token_limit }: Numbers): bigint {
  const counted = BigInt(prompt_tokens) + BigInt(completion_tokens);
  return token_limit !== undefined && BigInt(token_limit) < counted ? BigInt(token_limit) : counted;
}

function priceFaults({ units, unit_type, price }: Receipt, numbers: Numbers) {
  const { rate, rate_per_1000, max_price } = numbers;
  const faults = units === 0 && price !== 0 ? [`0 units cost ${price}`] : [];
  const limit = max_price === undefined ? undefined : microUnits(max_price);
  const isByThousand = unit_type === 'token' && rate_per_1000 !== undefined;
  const full = isByThousand
    ? exactMicroPrice(units, rate_per_1000, 1000)
    : rate === undefined
      ? undefined
      : exactMicroPrice(units, rate);
  const charged = microUnits(price);
  if (full === undefined) {
    if (limit !== undefined && charged > limit)
      faults.push(`${price} is more than the limit of ${max_price}`);
    return faults;
  }
  const due = limit !== undefined && limit < full ? limit : full;
  if (charged !== due) faults.push(`${units} ${unit_type} cost ${Number(due) / 1e6}, not ${price}`);
  return faults;
}
