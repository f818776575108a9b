import { type Static, Type } from 'typebox';
import {
  CHAT_ROLES,
  ChatMessage,
  ContentPart,
  EmbeddingInput,
  FinishReason,
  ResponseFormat,
  Tool,
  ToolCall,
  ToolChoice,
} from './chat.ts';
import { Model, Nullable } from './common.ts';
import { JobParams } from './jobs.ts';
import { LIMITS } from './limits.ts';
import { ModelAbilities } from './miners.ts';
import { stated, statedChoices, statedGatewayMessage } from './stated.ts';

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
  n: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: LIMITS.choices,
      description:
        'So many answers, each by a job of its own. With a seed the first has it, the next one more.',
    }),
  ),
  user: Type.Optional(Type.String()),
  metadata: Type.Optional(Type.Record(Type.String(), Type.String(), { maxProperties: LIMITS.metadataKeys })),
};

/** A part of a message that a client sends: of an assistant's also why it declined. */
const RequestPart = Type.Object({
  ...ContentPart.properties,
  type: Type.Enum(['text', 'image_url', 'refusal'], { type: 'string' }),
  refusal: Type.Optional(
    Type.String({ description: 'Of a part of that type, in a message of an assistant.' }),
  ),
});
export type RequestPart = Static<typeof RequestPart>;

const Message = {
  ...ChatMessage.properties,
  content: Type.Optional(
    Type.Unsafe<string | RequestPart[] | null>({
      type: ['string', 'array', 'null'],
      items: RequestPart,
      description: 'A text, or parts: texts in any role, images in a user’s.',
    }),
  ),
  refusal: Type.Optional(Type.String({ description: 'Why an assistant declined.' })),
  reasoning: Type.Optional(Type.String({ description: 'Another name of `reasoning_content`.' })),
  role: Type.Enum([...CHAT_ROLES, 'developer'], {
    type: 'string',
    description: '`developer` is another name of `system`.',
  }),
};

export const ChatCompletionRequest = Type.Object(
  {
    ...Generating,
    messages: Type.Array(Type.Object(Message, statedGatewayMessage(Message, RequestPart)), {
      minItems: 1,
      maxItems: LIMITS.messages,
    }),
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
    logprobs: Type.Optional(
      Type.Boolean({ description: 'Tell how likely each token was, where the engine does.' }),
    ),
    top_logprobs: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: LIMITS.topLogprobs,
        description: 'So many of the likeliest tokens at each place. Needs `logprobs`.',
      }),
    ),
  },
  {
    ...statedChoices,
    $id: 'ChatCompletionRequest',
    description:
      "What engines know beyond OpenAI's API (`top_k`, `min_p`, `guided_json`, `num_ctx`, `think`, …) goes to the miner's as it is. `store`, `verbosity`, `prediction`, `service_tier` and the like change nothing here. A field that is not known, or that would ask for what is not served, is refused; one of a message is left aside.",
  },
);
export type ChatCompletionRequest = Static<typeof ChatCompletionRequest>;

export const CompletionRequest = Type.Object(
  {
    ...Generating,
    prompt: Type.Union(
      [
        Type.String(stated({ minLength: 1 })),
        Type.Array(Type.String(stated({ minLength: 1 })), { minItems: 1, maxItems: LIMITS.prompts }),
      ],
      {
        description:
          'One text, which the model goes on with, or several, each of which has `n` choices of its own.',
      },
    ),
    logprobs: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: LIMITS.topLogprobs,
        description: 'Tell how likely each token was, and so many of the likeliest, where the engine does.',
      }),
    ),
  },
  { $id: 'CompletionRequest' },
);
export type CompletionRequest = Static<typeof CompletionRequest>;

const Tokens = Type.Array(Type.Integer({ minimum: 0, maximum: LIMITS.tokens }), {
  minItems: 1,
  maxItems: LIMITS.inputTokens,
});

export const EmbeddingRequest = Type.Object(
  {
    model: Model,
    input: Type.Union([Type.String({ minLength: 1 }), Tokens, EmbeddingInput], {
      description: 'One text or several, or their tokens by the numbers that the model has for them.',
    }),
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

/** Absent where the miner has not counted, as is each count that it has not. */
const Usage = Type.Optional(
  Type.Object({
    prompt_tokens: Type.Optional(Count),
    completion_tokens: Type.Optional(Count),
    total_tokens: Type.Optional(Count),
    prompt_tokens_details: Type.Optional(Type.Object({ cached_tokens: Count })),
    completion_tokens_details: Type.Optional(Type.Object({ reasoning_tokens: Count })),
  }),
);

const Answering = { job_id: Type.String(), receipt_id: Nullable(Type.String()) };

/** What OpenAI's answers do not have, here in each. */
const Origin = Type.Object(
  {
    ...Answering,
    jobs: Type.Optional(
      Type.Array(Type.Object(Answering), {
        description: 'Of an answer with several choices: the job of each, the first one included.',
      }),
    ),
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

/** Of a token, in the shape of OpenAI's API: `token`, `logprob`, `bytes`, `top_logprobs`. */
const Logprob = Type.Unsafe<Record<string, unknown>>({ type: 'object', additionalProperties: true });

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
          refusal: Nullable(Type.String()),
          reasoning_content: Type.Optional(
            Type.String({ description: 'What the model thought before, where its engine tells it apart.' }),
          ),
          tool_calls: Type.Optional(Type.Array(ToolCall)),
        }),
        logprobs: Nullable(Type.Object({ content: Type.Array(Logprob) })),
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
        logprobs: Nullable(
          Type.Object({
            tokens: Type.Array(Type.String()),
            token_logprobs: Type.Array(Nullable(Type.Number())),
            top_logprobs: Nullable(Type.Array(Type.Record(Type.String(), Type.Number()))),
            text_offset: Type.Array(Type.Integer()),
          }),
        ),
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
    context_length: Type.Optional(
      Type.Integer({ description: 'Tokens of prompt and answer together: the most that a miner takes.' }),
    ),
    aitbc: Type.Object({
      ...ModelAbilities.properties,
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
  { $id: 'OpenAiProblem', title: 'OpenAiProblem' },
);
export type OpenAiProblem = Static<typeof OpenAiProblem>;
