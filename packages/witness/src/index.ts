export { CosignError, type CosignErrorCode, type CosignErrorDetails, WitnessError } from './errors.ts';
export type { WitnessEvent, WitnessEventHandler } from './events.ts';
export { WITNESS_LIMITS } from './limits.ts';
export { type RunningWitness, startWitness, type WitnessOptions } from './start.ts';
