import type { TokenUsage } from '@aitbc/protocol';

/** The most tokens that a model's chat template is assumed to add to a prompt. */
const TEMPLATE_TOKENS = 256;

/** The expected length of an answer without a limit. */
const USUAL_ANSWER_TOKENS = 2_048;

/** Returns the most tokens that a job can be charged for. Each token of text has at least one byte. */
export function tokenLimit(promptBytes: number, answerTokens: number): number {
  return promptBytes + TEMPLATE_TOKENS + answerTokens;
}

/** Returns the most tokens that a job is expected to be charged for. */
export function usualTokens(promptBytes: number, maxTokens = USUAL_ANSWER_TOKENS): number {
  return tokenLimit(promptBytes, maxTokens);
}

/** The lengths of a run's texts, in UTF-8 bytes. */
export interface TextBytes {
  /** Null if the prompt was not kept. */
  prompt: number | null;
  /** The sum of result, reasoning and refusal. */
  answer: number;
}

/** Caps the miner's token counts by the lengths of the texts: each token has at least one byte. */
export function plausibleUsage(usage: TokenUsage, { prompt, answer }: TextBytes): TokenUsage {
  const most = { prompt: prompt === null ? Infinity : prompt + TEMPLATE_TOKENS, answer };
  const { prompt_tokens = most.prompt, completion_tokens = answer } = usage;
  const bounds = {
    prompt_tokens: most.prompt,
    completion_tokens: most.answer,
    cached_tokens: Math.min(prompt_tokens, most.prompt),
    reasoning_tokens: Math.min(completion_tokens, most.answer),
  };
  const names = Object.keys(bounds) as (keyof typeof bounds)[];
  return Object.fromEntries(
    names.flatMap(name => {
      const count = usage[name];
      return count === undefined ? [] : [[name, Math.min(count, bounds[name])]];
    }),
  );
}

/** The assumed average number of bytes per token of text. */
const BYTES_PER_TOKEN = 4;

/**
 * Estimates the tokens of the text that was delivered before a job was cancelled, which no miner has counted. The
 * answer's tokens are the number of chunks or a quarter of its bytes, whichever is more, but at most its bytes and
 * `maxTokens`. The prompt's tokens are a quarter of its bytes.
 */
export function deliveredUsage(
  { prompt, answer }: { prompt: number; answer: number },
  chunks: number,
  maxTokens = Infinity,
): TokenUsage {
  const counted = Math.max(chunks, Math.ceil(answer / BYTES_PER_TOKEN));
  return {
    prompt_tokens: Math.ceil(prompt / BYTES_PER_TOKEN),
    completion_tokens: Math.min(counted, answer, maxTokens),
  };
}
