import { type Static, Type } from 'typebox';
import { LIMITS } from './limits.ts';
import { statedMessage, statedResponseFormat, statedToolChoice } from './stated.ts';

/*
 * Conversations, tools and answer formats in the shapes of OpenAI's chat completions, which inference servers
 * and their clients share.
 */

export const CHAT_ROLES = ['system', 'user', 'assistant', 'tool'] as const;

export const ContentPart = Type.Object({
  type: Type.Enum(['text', 'image_url'], { type: 'string' }),
  text: Type.Optional(Type.String()),
  image_url: Type.Optional(
    Type.Object({
      url: Type.String({ description: 'A `data:` URL. Miners do not fetch images.' }),
      detail: Type.Optional(Type.Enum(['auto', 'low', 'high'], { type: 'string' })),
    }),
  ),
});
export type ContentPart = Static<typeof ContentPart>;

/** A function call that the model asks for. */
export const ToolCall = Type.Object({
  id: Type.String({ minLength: 1, maxLength: LIMITS.callIdLength }),
  type: Type.Enum(['function'], { type: 'string' }),
  function: Type.Object({
    name: Type.String({ minLength: 1, maxLength: 128 }),
    arguments: Type.String({ description: 'JSON, as the model wrote it.' }),
  }),
});
export type ToolCall = Static<typeof ToolCall>;

export const ChatMessage = Type.Object(
  {
    role: Type.Enum([...CHAT_ROLES], { type: 'string' }),
    content: Type.Optional(
      Type.Unsafe<string | ContentPart[] | null>({
        type: ['string', 'array', 'null'],
        items: ContentPart,
        description: 'A text, or a list of texts and images. Null only for an assistant that called tools.',
      }),
    ),
    name: Type.Optional(Type.String({ maxLength: 128 })),
    tool_calls: Type.Optional(
      Type.Array(ToolCall, {
        minItems: 1,
        maxItems: LIMITS.tools,
        description: 'The tool calls of an assistant.',
      }),
    ),
    tool_call_id: Type.Optional(
      Type.String({ maxLength: LIMITS.callIdLength, description: 'The call that a tool answers.' }),
    ),
    reasoning_content: Type.Optional(
      Type.String({ description: 'The assistant’s reasoning before its answer.' }),
    ),
  },
  statedMessage,
);
export type ChatMessage = Static<typeof ChatMessage>;

export const Tool = Type.Object({
  type: Type.Enum(['function'], { type: 'string' }),
  function: Type.Object({
    name: Type.String({ minLength: 1, maxLength: 128 }),
    description: Type.Optional(Type.String()),
    parameters: Type.Optional(
      Type.Unsafe<Record<string, unknown>>({ type: 'object', description: 'JSON Schema of the arguments.' }),
    ),
    strict: Type.Optional(Type.Unsafe<boolean | null>({ type: ['boolean', 'null'] })),
  }),
});
export type Tool = Static<typeof Tool>;

export const ToolChoice = Type.Unsafe<
  'none' | 'auto' | 'required' | { type: 'function'; function: { name: string } }
>({
  ...statedToolChoice,
  type: ['string', 'object'],
  description: '`none`, `auto`, `required`, or `{"type":"function","function":{"name":"…"}}`.',
});
export type ToolChoice = Static<typeof ToolChoice>;

export const ResponseFormat = Type.Object(
  {
    type: Type.Enum(['text', 'json_object', 'json_schema'], { type: 'string' }),
    json_schema: Type.Optional(
      Type.Object({
        name: Type.String({ minLength: 1, maxLength: 128 }),
        description: Type.Optional(Type.String()),
        schema: Type.Optional(Type.Unsafe<Record<string, unknown>>({ type: 'object' })),
        strict: Type.Optional(Type.Unsafe<boolean | null>({ type: ['boolean', 'null'] })),
      }),
    ),
  },
  statedResponseFormat,
);
export type ResponseFormat = Static<typeof ResponseFormat>;

export const ChatRequest = Type.Object({
  messages: Type.Array(ChatMessage, {
    minItems: 1,
    maxItems: LIMITS.messages,
    description: 'A conversation instead of a prompt.',
  }),
  tools: Type.Optional(
    Type.Array(Tool, {
      minItems: 1,
      maxItems: LIMITS.tools,
      description: 'The tools that the model may call.',
    }),
  ),
  tool_choice: Type.Optional(ToolChoice),
  response_format: Type.Optional(ResponseFormat),
});
export type ChatRequest = Static<typeof ChatRequest>;

/**
 * Texts to embed instead of a prompt. Each is a text, or a list of token numbers in the model's vocabulary.
 */
export const EmbeddingInput = Type.Array(
  Type.Union([
    Type.String({ minLength: 1 }),
    Type.Array(Type.Integer({ minimum: 0, maximum: LIMITS.tokens }), {
      minItems: 1,
      maxItems: LIMITS.inputTokens,
    }),
  ]),
  {
    minItems: 1,
    maxItems: LIMITS.embeddingInputs,
    description:
      'Texts to embed instead of a prompt. Each is a text or an array of the model’s token numbers.',
  },
);
export type EmbeddingInput = Static<typeof EmbeddingInput>;

export const FINISH_REASONS = ['stop', 'length', 'tool_calls', 'content_filter'] as const;
export const FinishReason = Type.Enum([...FINISH_REASONS], {
  type: 'string',
  description: 'Why the text ends. `length`: max_tokens cut it off.',
});
export type FinishReason = Static<typeof FinishReason>;

export const RESULT_TYPES = ['text', 'message', 'embeddings'] as const;
export const ResultType = Type.Enum([...RESULT_TYPES], {
  type: 'string',
  description:
    'How to read the result: `text`, the default, as plain text; `message` as JSON of an answer with tool calls (`{"content":…,"tool_calls":[…]}`); `embeddings` as JSON (`{"embeddings":["…"]}`, each the base64 of 32-bit floats, little-endian).',
});
export type ResultType = Static<typeof ResultType>;

/** What an engine reports about an answer besides its text. */
export const AnswerDetails = Type.Object({
  reasoning: Type.Optional(
    Type.String({
      description: 'The reasoning before the answer, if the engine reports it separately.',
    }),
  ),
  refusal: Type.Optional(
    Type.String({ description: 'Why the model declines, if the engine reports it separately.' }),
  ),
  logprobs: Type.Optional(
    Type.Array(Type.Unsafe<Record<string, unknown>>({ type: 'object', additionalProperties: true }), {
      description: 'The logprobs of each token of the answer, in the shape of OpenAI’s API.',
    }),
  ),
});
export type AnswerDetails = Static<typeof AnswerDetails>;

/** The JSON in a result of type `message`. */
export const ResultMessage = Type.Object({
  content: Type.Unsafe<string | null>({ type: ['string', 'null'] }),
  tool_calls: Type.Array(ToolCall, { minItems: 1, maxItems: LIMITS.tools }),
});
export type ResultMessage = Static<typeof ResultMessage>;

/** The JSON in a result of type `embeddings`. */
export const ResultEmbeddings = Type.Object({
  embeddings: Type.Array(Type.String({ pattern: '^[A-Za-z0-9+/]+={0,2}$' }), { minItems: 1 }),
});
export type ResultEmbeddings = Static<typeof ResultEmbeddings>;
