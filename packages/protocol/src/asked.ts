import { Type } from 'typebox';
import type { ChatRequest, EmbeddingInput } from './chat.ts';

/** Fields of the request that ask for the answer. Those that it did not use are absent. */
export const Asked = {
  messages: Type.Optional(Type.Unsafe<ChatRequest['messages']>({ type: 'array', items: {} })),
  tools: Type.Optional(Type.Unsafe<NonNullable<ChatRequest['tools']>>({ type: 'array', items: {} })),
  tool_choice: Type.Optional(Type.Unsafe<NonNullable<ChatRequest['tool_choice']>>({})),
  response_format: Type.Optional(Type.Unsafe<NonNullable<ChatRequest['response_format']>>({})),
  input: Type.Optional(Type.Unsafe<EmbeddingInput>({ type: 'array', items: {} })),
};

export const PROMPT =
  'The text that prompt_hash is of: the prompt, or the canonical JSON (RFC 8785) of an object with the messages, tools, tool_choice and response_format, or with the input.';
