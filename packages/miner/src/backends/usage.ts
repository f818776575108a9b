import { LIMITS, type TokenUsage } from '@aitbc/protocol';
import type { Generated } from '../backend.ts';

/** Returns a server's token counts without impossible ones. */
export function usageFrom(prompt: unknown, completion: unknown): Pick<Generated, 'usage'> {
  return tokenUsage({ prompt_tokens: prompt, completion_tokens: completion });
}

/**
 * Reads the `usage` of OpenAI's API. A count of 0 for a text that is not empty means that nothing was
 * counted.
 */
export function tokenUsage(stated: unknown, { isEmpty = true } = {}): Pick<Generated, 'usage'> {
  const { prompt_tokens: prompt, completion_tokens: completion, ...more } = Object(stated);
  const cached: unknown = more.prompt_tokens_details?.cached_tokens;
  const reasoning: unknown = more.completion_tokens_details?.reasoning_tokens ?? more.reasoning_tokens;
  const usage: TokenUsage = {
    ...(isCount(prompt) && prompt > 0 && { prompt_tokens: prompt }),
    ...(isCount(completion) && (completion > 0 || isEmpty) && { completion_tokens: completion }),
    ...(isCount(prompt) && isCount(cached) && cached <= prompt && { cached_tokens: cached }),
    ...(isCount(completion) &&
      isCount(reasoning) &&
      reasoning <= completion && { reasoning_tokens: reasoning }),
  };
  return Object.keys(usage).length > 0 ? { usage } : {};
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= LIMITS.tokens;
}
