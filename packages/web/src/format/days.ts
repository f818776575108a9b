import { formatDay } from './time.ts';

const DAY_MS = 86_400_000;

/** How many days a report may cover. */
export const DAY_COUNTS = [
  ['7', '7 days'],
  ['30', '30 days'],
  ['90', '90 days'],
] as const;

const DEFAULT_DAYS = 30;

export interface DayRange {
  /** `2026-01-24`, in UTC, ascending. */
  days: readonly string[];
  /** The beginnings of the days, in ms since the epoch. */
  times: readonly number[];
  from: string;
  to: string;
}

/** Returns the last days until today. A number that is not among the choices is the default. */
export function rangeOf(count: string | undefined, now = Date.now()): DayRange {
  const isChoice = DAY_COUNTS.some(([value]) => value === count);
  const length = isChoice ? Number(count) : DEFAULT_DAYS;
  const today = Math.floor(now / DAY_MS) * DAY_MS;
  const times = Array.from({ length }, (_, index) => today - (length - 1 - index) * DAY_MS);
  const days = times.map(formatDay);
  return { days, times, from: days[0] ?? formatDay(today), to: formatDay(today) };
}

/** Returns the sum of a value for each day. */
export function dailySums<Row extends { day?: string }>(
  { days }: DayRange,
  rows: readonly Row[],
  value: (row: Row) => number,
): number[] {
  const sums = new Map<string, number>();
  for (const row of rows) if (row.day) sums.set(row.day, (sums.get(row.day) ?? 0) + value(row));
  return days.map(day => sums.get(day) ?? 0);
}
