import type { Generated } from '../backend.ts';

/** Token counts as a server states them; what is no count is left out. */
export function usageFrom(prompt: unknown, completion: unknown): Pick<Generated, 'usage'> {
  const usage = {
    ...(isCount(prompt) && { prompt_tokens: prompt }),
    ...(isCount(completion) && { completion_tokens: completion }),
  };
  return Object.keys(usage).length > 0 ? { usage } : {};
}

function isCount(value: unknown): value is number {
  return Number.isInteger(value) && Number(value) >= 0;
}
