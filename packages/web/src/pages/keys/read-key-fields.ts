import type { NewBudget } from '@aitbc/sdk';

/** Reads limits in credits. Empty ones do not apply. Throws what is wrong with a value. */
export function readBudget(texts: Partial<Record<'day' | 'month' | 'total', string>>): NewBudget | undefined {
  const limits = Object.entries(texts).flatMap(([period, text]) => {
    if (text.trim() === '') return [];
    const credits = Number(text);
    if (!(credits >= 0)) throw new Error(`Credits must be a number, not “${text}”`);
    return [[period, credits] as const];
  });
  return limits.length === 0 ? undefined : Object.fromEntries(limits);
}

const DAY_MS = 86_400_000;
const MAX_DAYS = 3_650;

/** Reads for how many days something is valid. Returns when that ends, or undefined for an empty text. */
export function readDays(text: string, now = Date.now()): string | undefined {
  if (text.trim() === '') return undefined;
  const days = Number(text);
  if (!(days > 0 && days <= MAX_DAYS))
    throw new Error(`Days must be a number up to ${MAX_DAYS}, not “${text}”`);
  return new Date(now + days * DAY_MS).toISOString();
}
