import { type Static, Type } from 'typebox';
import { LIMITS } from './limits.ts';
import { statedMessage, statedResponseFormat, statedToolChoice } from './stated.ts';

/*
 * A conversation, its tools and the form of its answer, in the shapes that inference servers and their clients agree
 * on: those of OpenAI's chat completions.
 */

export const CHAT_ROLES = ['system', 'user', 'assistant', 'tool'] as const;

/** Part of a message. */
export const ContentPart = Type.Object({
  type: Type.Enum(['text', 'image_url'], { type: 'string' }),
  text: Type.Optional(Type.String()),
  image_url: Type.Optional(
    Type.Object({
      url: Type.String({ description: 'A `data:` URL: miners fetch nothing from anywhere.' }),
      detail: Type.Optional(Type.Enum(['auto', 'low', 'high'], { type: 'string' })),
    }),
  ),
});
export type ContentPart = Static<typeof ContentPart>;

/** A function that the model wants called. */
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
        description: 'A text, or parts of it and images. null only of an assistant that called tools.',
      }),
    ),
    name: Type.Optional(Type.String({ maxLength: 128 })),
    tool_calls: Type.Optional(
      Type.Array(ToolCall, { minItems: 1, maxItems: LIMITS.tools, description: 'Of an assistant.' }),
    ),
    tool_call_id: Type.Optional(
      Type.String({ maxLength: LIMITS.callIdLength, description: 'Which call a tool answers.' }),
    ),
    reasoning_content: Type.Optional(
      Type.String({ description: 'What an assistant thought before it said so.' }),
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
    description: 'A conversation, instead of a prompt.',
  }),
  tools: Type.Optional(
    Type.Array(Tool, { minItems: 1, maxItems: LIMITS.tools, description: 'What the model may call.' }),
  ),
  tool_choice: Type.Optional(ToolChoice),
  response_format: Type.Optional(ResponseFormat),
});
/** What a chat asks a model for. */
export type ChatRequest = Static<typeof ChatRequest>;

/** Texts to embed, instead of a prompt: each as it is, or as the numbers that the model has for its tokens. */
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
      'Texts to embed, instead of a prompt. One may be an array of the numbers that the model has for its tokens.',
  },
);
export type EmbeddingInput = Static<typeof EmbeddingInput>;

export const FINISH_REASONS = ['stop', 'length', 'tool_calls', 'content_filter'] as const;
export const FinishReason = Type.Enum([...FINISH_REASONS], {
  type: 'string',
  description: 'Why the text ends: `length` where max_tokens cut it off.',
});
export type FinishReason = Static<typeof FinishReason>;

export const RESULT_TYPES = ['text', 'message', 'embeddings'] as const;
export const ResultType = Type.Enum([...RESULT_TYPES], {
  type: 'string',
  description:
    'How to read the result: as the text that it is, which it is unless said otherwise; or as JSON, of an answer with tool calls (`{"content":…,"tool_calls":[…]}`) or of embeddings (`{"embeddings":["…"]}`, each the base64 of 32-bit floats, little-endian).',
});
export type ResultType = Static<typeof ResultType>;

/** What an engine tells of an answer beside its text. */
export const AnswerDetails = Type.Object({
  reasoning: Type.Optional(
    Type.String({
      description: 'What the model thought before its answer, where its engine tells it apart.',
    }),
  ),
  refusal: Type.Optional(
    Type.String({ description: 'Why the model declines, where its engine tells it apart.' }),
  ),
  logprobs: Type.Optional(
    Type.Array(Type.Unsafe<Record<string, unknown>>({ type: 'object', additionalProperties: true }), {
      description: 'One for each token of the answer, in the shape of OpenAI’s API.',
    }),
  ),
});
export type AnswerDetails = Static<typeof AnswerDetails>;

/** A result of the type `message`, as JSON. */
export const ResultMessage = Type.Object({
  content: Type.Unsafe<string | null>({ type: ['string', 'null'] }),
  tool_calls: Type.Array(ToolCall, { minItems: 1, maxItems: LIMITS.tools }),
});
export type ResultMessage = Static<typeof ResultMessage>;

/** A result of the type `embeddings`, as JSON. */
export const ResultEmbeddings = Type.Object({
  embeddings: Type.Array(Type.String({ pattern: '^[A-Za-z0-9+/]+={0,2}$' }), { minItems: 1 }),
});
export type ResultEmbeddings = Static<typeof ResultEmbeddings>;
