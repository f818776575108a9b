import { type GpuInfo, LIMITS } from '@aitbc/protocol';

const GB_PER_UNIT: Record<string, number> = { m: 1 / 1024, g: 1, t: 1024 };

/**
 * GPU memory in GB as cards are sold, from what miners write: 24 of `24GB`, `24576 MiB`, `24564 MiB` or `24`. Null
 * where there is none, and `absurd` where no machine has as much.
 */
export function vramOf(gpu: GpuInfo | undefined): number | null | 'absurd' {
  const match = /^\s*([0-9.]+)\s*([gmt])?/i.exec(gpu?.memory ?? '');
  const amount = Number(match?.[1]);
  if (!match || !(amount > 0)) return null;
  const gb = amount * (match[2] ? (GB_PER_UNIT[match[2].toLowerCase()] ?? 1) : gbPerPlainNumber(amount));
  return gb > LIMITS.vramGb.max ? 'absurd' : nominalGb(gb);
}

/** Without a unit, small numbers are GB, and larger ones what tools count in: MiB, or bytes. */
function gbPerPlainNumber(amount: number): number {
  if (amount < 1_024) return 1;
  return amount < 2 ** 30 ? 1 / 1024 : 1 / 2 ** 30;
}

/** Sizes in GB that cards and boards are sold in. Several cards together have multiples of 16. */
const SOLD = [
  ...[1, 2, 3, 4, 5, 6, 8, 10, 11, 12, 16, 18, 20, 22, 24, 32, 36, 40, 48, 64, 72, 80, 94, 96],
  ...[112, 120, 128, 141, 144, 160, 180, 192, 240, 256, 288],
];

/**
 * How much less than its nominal size a card may report: error correction takes 6.25 percent, and drivers, firmware or
 * the system the rest. At 8 percent no size is taken for the next larger one that is sold: 11 of 12 are 8.3 less.
 */
const SHORTFALL = 0.08;

/** The size that memory of so many GB is sold as: 24 for the 23.99 of an RTX 4090 and for the 22.49 of an A10G. */
export function nominalGb(gb: number): number {
  // What is reported may be rounded up by a hair.
  const nominal = SOLD.find(size => size >= gb - 0.01) ?? Math.ceil(gb / 16) * 16;
  return gb >= nominal * (1 - SHORTFALL) ? nominal : Math.round(gb * 100) / 100;
}
