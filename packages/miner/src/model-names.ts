import { LIMITS, MODEL_PATTERN } from '@aitbc/protocol';

const modelPattern = new RegExp(MODEL_PATTERN);

/** Whether jobs can ask for a model by this name. */
export const isModelName = (name: string) => modelPattern.test(name) && name.length <= LIMITS.modelLength;
