import { type GpuInfo, LIMITS } from '@aitbc/protocol';

const GB_PER_UNIT: Record<string, number> = { m: 1 / 1024, g: 1, t: 1024 };

/**
 * Converts what miners report to the size in GB that cards are sold with: `24GB`, `24576 MiB`, `24564 MiB` and `24` are
 * all 24. Returns null if there is no size, and `absurd` if no machine has that much memory.
 */
export function vramOf(gpu: GpuInfo | undefined): number | null | 'absurd' {
  const match = /^\s*([0-9.]+)\s*([gmt])?/i.exec(gpu?.memory ?? '');
  const amount = Number(match?.[1]);
  if (!match || !(amount > 0)) return null;
  const gb = amount * (match[2] ? (GB_PER_UNIT[match[2].toLowerCase()] ?? 1) : gbPerPlainNumber(amount));
  return gb > LIMITS.vramGb.max ? 'absurd' : nominalGb(gb);
}

/** Without a unit, a small number is in GB. Larger numbers are in the units of common tools: MiB or bytes. */
function gbPerPlainNumber(amount: number): number {
  if (amount < 1_024) return 1;
  return amount < 2 ** 30 ? 1 / 1024 : 1 / 2 ** 30;
}

/** The sizes in GB that cards and boards are sold with. Several cards together have multiples of 16. */
const SOLD = [
  ...[1, 2, 3, 4, 5, 6, 8, 10, 11, 12, 16, 18, 20, 22, 24, 32, 36, 40, 48, 64, 72, 80, 94, 96],
  ...[112, 120, 128, 141, 144, 160, 180, 192, 240, 256, 288],
];

/**
 * How much less than its nominal size a card may report: error correction takes 6.25 percent, and drivers, firmware or
 * the system take the rest. With 8 percent no size is mistaken for the next larger one that is sold: 11 is 8.3 percent
 * less than 12.
 */
const SHORTFALL = 0.08;

/** Returns the nominal size of a card: 24 for the 23.99 of an RTX 4090 and for the 22.49 of an A10G. */
export function nominalGb(gb: number): number {
  // The reported size may be rounded up slightly.
  const nominal = SOLD.find(size => size >= gb - 0.01) ?? Math.ceil(gb / 16) * 16;
  return gb >= nominal * (1 - SHORTFALL) ? nominal : Math.round(gb * 100) / 100;
}
