import type { Miner } from '@aitbc/sdk';

/** Returns the temperature that a miner stated in `gpu_info.temperature_c`, if it did. */
export function describeHeat({ gpu_info }: Pick<Miner, 'gpu_info'>): string | undefined {
  const celsius = Object(gpu_info).temperature_c;
  return typeof celsius === 'number' ? `${Math.round(celsius)} °C` : undefined;
}
