const UNITS = [
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
] as const;

const relative = new Intl.RelativeTimeFormat('en', { numeric: 'always', style: 'narrow' });

/** `12s ago`, `3 min ago`; from 30 days on the date. */
export function formatAge(at: number, now: number): string {
  const seconds = Math.round((now - at) / 1000);
  if (Math.abs(seconds) < 2) return 'now';
  if (seconds > 30 * 86_400) return formatUtc(at).slice(0, 10);
  for (const [unit, length] of UNITS)
    if (Math.abs(seconds) >= length) return relative.format(-Math.trunc(seconds / length), unit);
  return relative.format(-seconds, 'second');
}

/** `2026-01-24 15:00:00 UTC` */
export const formatUtc = (at: number) => `${new Date(at).toISOString().slice(0, 19).replace('T', ' ')} UTC`;

/** `15:00:04` in the visitor's time zone, for charts. */
export const formatClock = (at: number) => new Date(at).toLocaleTimeString('en-GB');

/** `2026-01-24`, in UTC, as the days of histories are. */
export const formatDay = (at: number) => new Date(at).toISOString().slice(0, 10);
