/** What rounds to zero has no sign. */
const formatter = (options: Intl.NumberFormatOptions) =>
  new Intl.NumberFormat('en', { signDisplay: 'negative', ...options });

const whole = formatter({ maximumFractionDigits: 0 });
const upToOne = formatter({ maximumFractionDigits: 1 });
const upToTwo = formatter({ maximumFractionDigits: 2 });
const upToSix = formatter({ maximumFractionDigits: 6 });
const compact = formatter({ notation: 'compact', maximumFractionDigits: 1 });

export const formatCount = (count: number) => whole.format(count);

/** From 100,000 on in the short form: `1.2M`. */
export const formatLarge = (count: number) =>
  Math.abs(count) < 100_000 ? whole.format(count) : compact.format(count);

/** With as many digits as can be told apart at a glance. */
export function formatRate(perSecond: number): string {
  if (perSecond >= 1000) return formatLarge(perSecond);
  if (perSecond >= 100) return whole.format(perSecond);
  return (perSecond >= 10 ? upToOne : upToTwo).format(perSecond);
}

/** Credits, with all of their up to six decimals. */
export const formatCredits = (credits: number) => upToSix.format(credits);

export const formatPercent = (share: number) => `${upToOne.format(share * 100)} %`;

export function formatBytes(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  if (bytes < 1_000_000) return `${upToOne.format(bytes / 1000)} kB`;
  return `${upToOne.format(bytes / 1_000_000)} MB`;
}

/** Milliseconds, in the largest unit that leaves a number above 1. */
export function formatDuration(ms: number): string {
  if (ms < 1000) return `${whole.format(ms)} ms`;
  if (ms < 60_000) return `${upToOne.format(ms / 1000)} s`;
  if (ms < 3_600_000)
    return `${whole.format(Math.floor(ms / 60_000))} min ${whole.format((ms / 1000) % 60)} s`;
  return `${whole.format(Math.floor(ms / 3_600_000))} h ${whole.format((ms / 60_000) % 60)} min`;
}
