import type { Miner } from '@aitbc/sdk';

/** The states by which miners can be filtered, with their names. */
export const MINER_STATES = [
  ['', 'All'],
  ['online', 'Online'],
  ['draining', 'Draining'],
  ['offline', 'Offline'],
] as const;

export const isMinerStatus = (status: string | undefined): status is Miner['status'] =>
  MINER_STATES.some(([value]) => value !== '' && value === status);
