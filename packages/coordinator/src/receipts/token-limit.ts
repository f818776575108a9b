import type { TokenUsage } from '@aitbc/protocol';

/** What the chat template of a model may add to a prompt. */
const TEMPLATE_TOKENS = 256;

/** Tokens of an answer for which nobody has named a limit, as it usually is. */
const USUAL_ANSWER_TOKENS = 2_048;

/** The most that a job can be charged for: a token of text has a byte at least. */
export function tokenLimit(promptBytes: number, answerTokens: number): number {
  return promptBytes + TEMPLATE_TOKENS + answerTokens;
}

/** Those that a job is expected to be charged for at most. */
export function usualTokens(promptBytes: number, maxTokens = USUAL_ANSWER_TOKENS): number {
  return tokenLimit(promptBytes, maxTokens);
}

/** Lengths of the texts of a run, in UTF-8. */
export interface TextBytes {
  /** Null where it was not kept. */
  prompt: number | null;
  /** Result, reasoning and refusal. */
  answer: number;
}

/** What a miner has counted, as far as the texts allow it: a token has a byte at least. */
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

/** Bytes that a token of text has, about. */
const BYTES_A_TOKEN = 4;

/**
 * Tokens of a text that was delivered before its job was cancelled, and that nobody has counted: of the answer its pieces,
 * or a quarter of its bytes where that is more, within its bytes and the job's `max_tokens`; of the prompt a quarter of its bytes.
 */
export function deliveredUsage(
  { prompt, answer }: { prompt: number; answer: number },
  pieces: number,
  maxTokens = Infinity,
): TokenUsage {
  const counted = Math.max(pieces, Math.ceil(answer / BYTES_A_TOKEN));
  return {
    prompt_tokens: Math.ceil(prompt / BYTES_A_TOKEN),
    completion_tokens: Math.min(counted, answer, maxTokens),
  };
}
