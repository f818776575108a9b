export { Refusal, type RefusalCode, type RefusalDetails, WitnessError } from './errors.ts';
export type { Emit, WitnessEvent } from './events.ts';
export { LIMITS } from './limits.ts';
export { type RunningWitness, startWitness, type WitnessOptions } from './start.ts';
