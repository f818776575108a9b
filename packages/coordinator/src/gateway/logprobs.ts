import type { AnsweredJob } from './endpoint.ts';

/** Returns the log probabilities of a chat answer, or null if the engine reported none. */
export const chatLogprobs = ({ logprobs }: AnsweredJob) => (logprobs ? { content: logprobs } : null);

/**
 * Returns the log probabilities of a text completion in the columns of OpenAI's legacy API, or null if there are none.
 */
export function textLogprobs({ logprobs }: AnsweredJob) {
  if (!logprobs) return null;
  const tokens = logprobs.map(({ token }) => String(token ?? ''));
  let offset = 0;
  return {
    tokens,
    token_logprobs: logprobs.map(({ logprob }) => (typeof logprob === 'number' ? logprob : null)),
    top_logprobs: logprobs.some(({ top_logprobs }) => Array.isArray(top_logprobs) && top_logprobs.length > 0)
      ? logprobs.map(({ top_logprobs }) => probabilitiesByToken(top_logprobs))
      : null,
    text_offset: tokens.map(token => {
      offset += token.length;
      return offset - token.length;
    }),
  };
}

function probabilitiesByToken(top: unknown): Record<string, number> {
  const found = Array.isArray(top) ? top.map(each => Object(each)) : [];
  return Object.fromEntries(
    found.flatMap(({ token, logprob }) =>
      typeof token === 'string' && typeof logprob === 'number' ? [[token, logprob]] : [],
    ),
  );
}
