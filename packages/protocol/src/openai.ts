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
import { ModelPrice } from './jobs.ts';
import { LIMITS } from './limits.ts';
import { ModelAbilities } from './miners.ts';
import { ModelPassports } from './passports.ts';
import { stated, statedChoices, statedGatewayMessage, statedModel } from './stated.ts';
import { JobParams, SubmitJob } from './submit-job.ts';

/* Requests and answers in the shapes of OpenAI's API, as far as the gateway supports them. */

const { temperature, top_p, stop, seed, presence_penalty, frequency_penalty, max_tokens } =
  JobParams.properties;

/** The fields that chat and text completions share. */
const Generating = {
  model: Type.Optional(Model),
  models: SubmitJob.properties.models,
  ...{ temperature, top_p, stop, seed, presence_penalty, frequency_penalty, max_tokens },
  logit_bias: Type.Optional(Type.Record(Type.String(), Type.Number())),
  stream: Type.Optional(
    Type.Boolean({ description: 'Whether to answer with server-sent events, which end with `[DONE]`.' }),
  ),
  stream_options: Type.Optional(
    Type.Object({
      include_usage: Type.Optional(
        Type.Boolean({
          description: 'Whether the last event before `[DONE]` has the usage, if the miner counted it.',
        }),
      ),
    }),
  ),
  n: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: LIMITS.choices,
      description:
        'How many answers to return. Each has its own job. With a seed, each next answer uses the seed plus one.',
    }),
  ),
  user: Type.Optional(Type.String()),
  metadata: Type.Optional(Type.Record(Type.String(), Type.String(), { maxProperties: LIMITS.metadataKeys })),
};

/** A part of a message in a request. An assistant's part may also say why it declined. */
const RequestPart = Type.Object({
  ...ContentPart.properties,
  type: Type.Enum(['text', 'image_url', 'refusal'], { type: 'string' }),
  refusal: Type.Optional(
    Type.String({ description: 'Why the assistant declined, in a part of type `refusal`.' }),
  ),
});
export type RequestPart = Static<typeof RequestPart>;

const Message = {
  ...ChatMessage.properties,
  content: Type.Optional(
    Type.Unsafe<string | RequestPart[] | null>({
      type: ['string', 'array', 'null'],
      items: RequestPart,
      description: 'A text or a list of parts: texts for any role, images for users.',
    }),
  ),
  refusal: Type.Optional(Type.String({ description: 'Why the assistant declined.' })),
  reasoning: Type.Optional(Type.String({ description: 'Another name for `reasoning_content`.' })),
  role: Type.Enum([...CHAT_ROLES, 'developer'], {
    type: 'string',
    description: '`developer` is another name for `system`.',
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
        description: 'Another name for `max_tokens`. It wins when both are given.',
      }),
    ),
    reasoning_effort: Type.Optional(Type.String({ maxLength: 32 })),
    logprobs: Type.Optional(
      Type.Boolean({ description: 'Whether to return how likely each token was, if the engine reports it.' }),
    ),
    top_logprobs: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: LIMITS.topLogprobs,
        description: 'How many of the likeliest tokens to return at each place. Requires `logprobs`.',
      }),
    ),
  },
  {
    ...statedChoices,
    $id: 'ChatCompletionRequest',
    description:
      "Engines' own fields beyond OpenAI's API (`top_k`, `min_p`, `guided_json`, `num_ctx`, `think`, …) are passed to the miner unchanged. `store`, `verbosity`, `prediction`, `service_tier` and the like have no effect. An unknown field, or one that asks for an unsupported feature, is an error; unknown fields of messages are ignored.",
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
        description: 'One text for the model to continue, or several, each with its own `n` choices.',
      },
    ),
    logprobs: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: LIMITS.topLogprobs,
        description: 'How many of the likeliest tokens to return at each place, if the engine reports them.',
      }),
    ),
  },
  { $id: 'CompletionRequest', ...statedModel },
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
      description: 'One text or several, each as text or as the model’s token numbers.',
    }),
    encoding_format: Type.Optional(
      Type.Enum(['float', 'base64'], { type: 'string', description: '`float` unless given.' }),
    ),
    dimensions: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: LIMITS.tokens,
        description: 'The length of the vectors, if the model can shorten them.',
      }),
    ),
    user: Type.Optional(Type.String()),
  },
  { $id: 'EmbeddingRequest' },
);
export type EmbeddingRequest = Static<typeof EmbeddingRequest>;

const Count = Type.Integer({ minimum: 0 });

/** Absent when the miner did not count, as is each unknown count. */
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

/** What every answer has in addition to OpenAI's fields. */
const Origin = Type.Object(
  {
    ...Answering,
    jobs: Type.Optional(
      Type.Array(Type.Object(Answering), {
        description: 'For an answer with several choices: the job of each, including the first.',
      }),
    ),
  },
  { description: 'The job of the answer, and its receipt.' },
);

const Answer = {
  id: Type.String(),
  created: Type.Integer({ description: 'Unix seconds.' }),
  model: Type.String(),
  usage: Usage,
  aitbc: Origin,
};

/** The logprob of a token in the shape of OpenAI's API: `token`, `logprob`, `bytes`, `top_logprobs`. */
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
            Type.String({
              description: 'The reasoning before the answer, if the engine reports it separately.',
            }),
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
    created: Type.Integer({ description: 'Always 0, as the time is unknown.' }),
    owned_by: Type.String(),
    context_length: Type.Optional(
      Type.Integer({
        description: 'The largest context at any miner: tokens of prompt and answer together.',
      }),
    ),
    aitbc: Type.Object({
      ...ModelAbilities.properties,
      miners: Type.Integer({ description: 'How many live miners offer the model.' }),
      loaded: Type.Integer({ description: 'How many of them have it in memory.' }),
      slots: Type.Integer({ description: 'How many jobs they can run at once.' }),
      time_to_first_token_ms: Nullable(Type.Number()),
      tokens_per_second: Nullable(Type.Number()),
      passports: Type.Optional(ModelPassports),
      price: Type.Optional(ModelPrice),
      alias_of: Type.Optional(
        Type.String({ description: 'The model that the operator gave this name as an alias.' }),
      ),
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

/** The error body of the routes that follow OpenAI's API. */
export const OpenAiProblem = Type.Object(
  {
    error: Type.Object({
      message: Type.String({ description: 'What went wrong with this request, as text for people.' }),
      type: Type.String({ description: 'Whose fault it was: `invalid_request_error`, `server_error`, …' }),
      param: Nullable(Type.String({ description: 'The field that was wrong: `messages[0].content`.' })),
      code: Nullable(Type.String({ description: 'What went wrong, as a code for programs.' })),
    }),
  },
  { $id: 'OpenAiProblem', title: 'OpenAiProblem' },
);
export type OpenAiProblem = Static<typeof OpenAiProblem>;
