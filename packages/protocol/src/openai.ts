import { type Static, Type } from 'typebox';
import { CHAT_ROLES, ChatMessage, FinishReason, ResponseFormat, Tool, ToolCall, ToolChoice } from './chat.ts';
import { Model, Nullable } from './common.ts';
import { JobParams } from './jobs.ts';
import { LIMITS } from './limits.ts';

/*
 * Requests and answers in the shapes of OpenAI's API, as far as they are served: what clients that speak it send and
 * read.
 */

const { temperature, top_p, stop, seed, presence_penalty, frequency_penalty, max_tokens } =
  JobParams.properties;

/** What requests for a text have in common. */
const Generating = {
  model: Model,
  ...{ temperature, top_p, stop, seed, presence_penalty, frequency_penalty, max_tokens },
  logit_bias: Type.Optional(Type.Record(Type.String(), Type.Number())),
  stream: Type.Optional(
    Type.Boolean({ description: 'Answer with server-sent events, `[DONE]` at their end.' }),
  ),
  stream_options: Type.Optional(
    Type.Object({
      include_usage: Type.Optional(
        Type.Boolean({ description: 'The last event but one tells the usage, where the miner has counted.' }),
      ),
    }),
  ),
  n: Type.Optional(Type.Integer({ minimum: 1, maximum: LIMITS.choices, description: '1.' })),
  user: Type.Optional(Type.String()),
  metadata: Type.Optional(Type.Record(Type.String(), Type.String(), { maxProperties: LIMITS.metadataKeys })),
};

export const ChatCompletionRequest = Type.Object(
  {
    ...Generating,
    messages: Type.Array(
      Type.Object({
        ...ChatMessage.properties,
        role: Type.Enum([...CHAT_ROLES, 'developer'], {
          type: 'string',
          description: '`developer` is another name of `system`.',
        }),
      }),
      { minItems: 1, maxItems: LIMITS.messages },
    ),
    tools: Type.Optional(Type.Array(Tool, { maxItems: LIMITS.tools })),
    tool_choice: Type.Optional(ToolChoice),
    parallel_tool_calls: Type.Optional(Type.Boolean()),
    response_format: Type.Optional(ResponseFormat),
    max_completion_tokens: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: LIMITS.tokens,
        description: 'Another name of `max_tokens`, which it goes before.',
      }),
    ),
    reasoning_effort: Type.Optional(Type.String({ maxLength: 32 })),
  },
  {
    $id: 'ChatCompletionRequest',
    description:
      "What engines know beyond OpenAI's API (`top_k`, `min_p`, `repetition_penalty`, …) goes to the miner's as it is. A field that is not known, or that would ask for what is not served, is refused.",
  },
);
export type ChatCompletionRequest = Static<typeof ChatCompletionRequest>;

export const CompletionRequest = Type.Object(
  {
    ...Generating,
    prompt: Type.Union([Type.String(), Type.Array(Type.String(), { minItems: 1, maxItems: 1 })], {
      description: 'One text, which the model goes on with.',
    }),
  },
  { $id: 'CompletionRequest' },
);
export type CompletionRequest = Static<typeof CompletionRequest>;

export const EmbeddingRequest = Type.Object(
  {
    model: Model,
    input: Type.Union(
      [
        Type.String({ minLength: 1 }),
        Type.Array(Type.String({ minLength: 1 }), { minItems: 1, maxItems: LIMITS.embeddingInputs }),
      ],
      { description: 'One text or several; no tokens.' },
    ),
    encoding_format: Type.Optional(
      Type.Enum(['float', 'base64'], { type: 'string', description: '`float` unless given.' }),
    ),
    dimensions: Type.Optional(
      Type.Integer({ minimum: 1, maximum: LIMITS.tokens, description: 'Where the model can shorten them.' }),
    ),
    user: Type.Optional(Type.String()),
  },
  { $id: 'EmbeddingRequest' },
);
export type EmbeddingRequest = Static<typeof EmbeddingRequest>;

const Count = Type.Integer({ minimum: 0 });

/** Absent where the miner has not counted. */
const Usage = Type.Optional(
  Type.Object({ prompt_tokens: Count, completion_tokens: Type.Optional(Count), total_tokens: Count }),
);

/** What OpenAI's answers do not have, here in each. */
const Origin = Type.Object(
  {
    job_id: Type.String(),
    receipt_id: Nullable(Type.String()),
  },
  { description: 'The job that answers, and its receipt.' },
);

const Answer = {
  id: Type.String(),
  created: Type.Integer({ description: 'Unix seconds.' }),
  model: Type.String(),
  usage: Usage,
  aitbc: Origin,
};

export const ChatCompletion = Type.Object(
  {
    ...Answer,
    object: Type.Literal('chat.completion'),
    choices: Type.Array(
      Type.Object({
        index: Type.Integer(),
        message: Type.Object({
          role: Type.Literal('assistant'),
          content: Nullable(Type.String()),
          refusal: Type.Null(),
          tool_calls: Type.Optional(Type.Array(ToolCall)),
        }),
        logprobs: Type.Null(),
        finish_reason: FinishReason,
      }),
    ),
  },
  { $id: 'ChatCompletion' },
);
export type ChatCompletion = Static<typeof ChatCompletion>;

export const Completion = Type.Object(
  {
    ...Answer,
    object: Type.Literal('text_completion'),
    choices: Type.Array(
      Type.Object({
        index: Type.Integer(),
        text: Type.String(),
        logprobs: Type.Null(),
        finish_reason: FinishReason,
      }),
    ),
  },
  { $id: 'Completion' },
);
export type Completion = Static<typeof Completion>;

export const Embeddings = Type.Object(
  {
    object: Type.Literal('list'),
    data: Type.Array(
      Type.Object({
        object: Type.Literal('embedding'),
        index: Type.Integer(),
        embedding: Type.Union([Type.Array(Type.Number()), Type.String()]),
      }),
    ),
    model: Type.String(),
    usage: Usage,
    aitbc: Origin,
  },
  { $id: 'Embeddings' },
);
export type Embeddings = Static<typeof Embeddings>;

export const OfferedModel = Type.Object(
  {
    id: Type.String(),
    object: Type.Literal('model'),
    created: Type.Integer({ description: 'Nobody knows: 0.' }),
    owned_by: Type.String(),
    aitbc: Type.Object({
      miners: Type.Integer({ description: 'Live miners that offer it.' }),
      loaded: Type.Integer({ description: 'Of them, those that have it in memory.' }),
      slots: Type.Integer({ description: 'Jobs that they run at once.' }),
      time_to_first_token_ms: Nullable(Type.Number()),
      tokens_per_second: Nullable(Type.Number()),
    }),
  },
  { $id: 'OfferedModel' },
);
export type OfferedModel = Static<typeof OfferedModel>;

export const OfferedModels = Type.Object(
  { object: Type.Literal('list'), data: Type.Array(OfferedModel) },
  { $id: 'OfferedModels' },
);
export type OfferedModels = Static<typeof OfferedModels>;

/** The error body of the routes that are like OpenAI's. */
export const OpenAiProblem = Type.Object(
  {
    error: Type.Object({
      message: Type.String({ description: 'What went wrong with this request, for people.' }),
      type: Type.String({ description: 'Whose fault it was: `invalid_request_error`, `server_error`, …' }),
      param: Nullable(Type.String({ description: 'The field that was wrong: `messages[0].content`.' })),
      code: Nullable(Type.String({ description: 'What went wrong, for programs.' })),
    }),
  },
  { $id: 'OpenAiProblem' },
);
export type OpenAiProblem = Static<typeof OpenAiProblem>;
