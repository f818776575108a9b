import type { Answered } from './endpoint.ts';

/** Of a chat. Null where the engine has not told them. */
export const chatLogprobs = ({ logprobs }: Answered) => (logprobs ? { content: logprobs } : null);

/** Of a text that was gone on with, as OpenAI's older API tells them: by columns. */
export function textLogprobs({ logprobs }: Answered) {
  if (!logprobs) return null;
  const tokens = logprobs.map(({ token }) => String(token ?? ''));
  let offset = 0;
  return {
    tokens,
    token_logprobs: logprobs.map(({ logprob }) => (typeof logprob === 'number' ? logprob : null)),
    top_logprobs: logprobs.some(({ top_logprobs }) => Array.isArray(top_logprobs) && top_logprobs.length > 0)
      ? logprobs.map(({ top_logprobs }) => likeliest(top_logprobs))
      : null,
    text_offset: tokens.map(token => {
      offset += token.length;
      return offset - token.length;
    }),
  };
}

function likeliest(top: unknown): Record<string, number> {
  const found = Array.isArray(top) ? top.map(each => Object(each)) : [];
  return Object.fromEntries(
    found.flatMap(({ token, logprob }) =>
      typeof token === 'string' && typeof logprob === 'number' ? [[token, logprob]] : [],
    ),
  );
}
