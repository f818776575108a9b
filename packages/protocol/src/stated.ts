import { LIMITS } from './limits.ts';

/*
 * Rules that code checks instead of the schema, because code gives a better error or gives it sooner. The API
 * reference states them, so that requests generated from it are valid.
 */

/** The keyword of a schema for what only the API reference states. */
export const STATED = 'x-stated';

/** Keywords that the API reference adds to the schema. Validators ignore them. */
export const stated = (keywords: object) => ({ [STATED]: keywords });

/** The keyword of a schema for limits that each operator sets, keyed by the reference's keyword. */
export const CONFIGURED = 'x-configured';

/** The limits of one coordinator, which its API reference states. */
export interface ConfiguredLimits {
  /** The highest priority that anyone but administrators may ask for. */
  highestPriority: number;
  /** In credits; undefined when the limit depends on the model. */
  leastMaxPrice: number | undefined;
}

/** Keywords whose value is a limit of the coordinator that serves the reference. */
export const configured = (keywords: Record<string, keyof ConfiguredLimits>) => ({ [CONFIGURED]: keywords });

/** For a body that may be omitted. */
export const OPTIONAL_BODY = { 'x-optional': true, ...stated({ type: ['object', 'null'] }) } as const;

/** Bech32m with the prefix `ait`, whose last 6 characters are a checksum. */
export const ADDRESS_PATTERN = '^ait1[02-9ac-hj-np-z]{38}$';

/** The id of a job's event. It is empty when a client has no event yet. */
export const EVENT_ID_PATTERN =
  '^((new|pending|running|ended|result|over)\\.[0-9]{1,9}\\.[0-9]{1,6}\\.[0-9]{1,8})?$';

const without = (...names: string[]) => Object.fromEntries(names.map(name => [name, false]));

const CHAT_ONLY = ['tools', 'tool_choice', 'response_format'];

const text = { type: 'object', required: ['type', 'text'], properties: { type: { const: 'text' } } };
const image = {
  type: 'object',
  required: ['type', 'image_url'],
  properties: {
    type: { const: 'image_url' },
    image_url: { type: 'object', properties: { url: { type: 'string', pattern: '^data:image/' } } },
  },
};
const contentOf = (...parts: object[]) => ({
  anyOf: [{ type: 'string' }, { type: 'array', items: { anyOf: parts } }],
});

/** Which fields messages of jobs have, by their roles. */
export const statedMessage = stated({
  anyOf: [
    {
      required: ['content'],
      properties: {
        role: { const: 'system' },
        content: contentOf(text),
        ...without('tool_calls', 'tool_call_id', 'reasoning_content'),
      },
    },
    {
      required: ['content'],
      properties: {
        role: { const: 'user' },
        content: contentOf(text, image),
        ...without('tool_calls', 'tool_call_id', 'reasoning_content'),
      },
    },
    {
      required: ['content'],
      properties: { role: { const: 'assistant' }, content: contentOf(text), ...without('tool_call_id') },
    },
    {
      required: ['tool_calls'],
      properties: {
        role: { const: 'assistant' },
        content: { anyOf: [...contentOf(text).anyOf, { type: 'null' }] },
        ...without('tool_call_id'),
      },
    },
    {
      required: ['content', 'tool_call_id'],
      properties: {
        role: { const: 'tool' },
        content: contentOf(text),
        ...without('tool_calls', 'reasoning_content'),
      },
    },
  ],
});

/** A request names a model or several. */
const NAMES_MODEL = { anyOf: [{ required: ['model'] }, { required: ['models'] }] };

/**
 * Which fields requests for jobs may combine. They ask for one kind of answer; several runs need comparable
 * results.
 */
export const statedSubmission = stated({
  anyOf: [
    { required: ['prompt'], properties: without('messages', 'input', ...CHAT_ONLY) },
    {
      required: ['messages'],
      properties: { ...without('prompt', 'input', 'tools'), tool_choice: { enum: ['none', 'auto'] } },
    },
    { required: ['messages', 'tools'], properties: without('prompt', 'input') },
    { required: ['input'], properties: without('prompt', 'messages', ...CHAT_ONLY) },
  ],
  allOf: [
    NAMES_MODEL,
    {
      anyOf: [
        { properties: { replication: { const: 1 } } },
        {
          required: ['params'],
          properties: {
            params: { required: ['temperature', 'seed'], properties: { temperature: { const: 0 } } },
            stream: { const: false },
            ...without('tools', 'models'),
          },
        },
      ],
    },
  ],
});

export const statedToolChoice = stated({
  type: undefined,
  anyOf: [
    { enum: ['none', 'auto', 'required'] },
    {
      type: 'object',
      required: ['type', 'function'],
      properties: {
        type: { const: 'function' },
        function: {
          type: 'object',
          required: ['name'],
          properties: { name: { type: 'string', minLength: 1, maxLength: 128 } },
        },
      },
    },
  ],
});

export const statedResponseFormat = stated({
  anyOf: [
    { properties: { type: { enum: ['text', 'json_object'] } } },
    { properties: { type: { const: 'json_schema' } }, required: ['json_schema'] },
  ],
});

/** Times from miners, with an offset, or in UTC without one. */
export const statedTime = stated({
  format: undefined,
  anyOf: [
    { format: 'date-time' },
    {
      pattern:
        '^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,6})?$',
    },
  ],
});

/** Hours and days: 1h to 720h, 1d to 30d. */
export const WINDOW_PATTERN = '^(([1-9]|[1-9][0-9]|[1-6][0-9]{2}|7[01][0-9]|720)h|([1-9]|[12][0-9]|30)d)$';

const NAMES_MODEL_OR_NULL = {
  anyOf: [
    { required: ['model'], properties: { model: { type: 'string' } } },
    { required: ['models'], properties: { models: { type: 'array' } } },
  ],
};

/** A text request at the gateway names a model or several. */
export const statedModel = stated({ ...NAMES_MODEL_OR_NULL });

/** How the fields of a chat request at the gateway depend on each other. */
export const statedChoices = stated({
  allOf: [
    NAMES_MODEL_OR_NULL,
    {
      anyOf: [
        { properties: { tool_choice: { enum: ['none', 'auto', null] } } },
        { required: ['tools'], properties: { tools: { type: 'array', minItems: 1 } } },
      ],
    },
    {
      anyOf: [
        { properties: { top_logprobs: { enum: [0, null] } } },
        { required: ['logprobs'], properties: { logprobs: { const: true } } },
      ],
    },
  ],
});

const nothing = { type: 'null' };

/** Messages at the gateway, where null means that a field is absent. */
export function statedGatewayMessage(properties: Record<string, object>, part: object) {
  const nullable = Object.fromEntries(
    Object.entries(properties)
      .filter(([name]) => !['role', 'content', 'tool_calls'].includes(name))
      .map(([name, schema]) => [name, { anyOf: [schema, nothing] }]),
  );
  const calls = { ...properties.tool_calls, minItems: 0, maxItems: LIMITS.tools };
  const refusal = { type: 'object', required: ['type'], properties: { type: { const: 'refusal' } } };
  const none = { anyOf: [nothing, { type: 'array', maxItems: 0 }] };
  const role = (names: string[], content: object, more: object = {}) => ({
    properties: { role: { enum: names }, content, tool_calls: none, tool_call_id: nothing, ...more },
  });
  const said = { required: ['content'] };
  return stated({
    properties: {
      ...properties,
      ...nullable,
      tool_calls: { anyOf: [calls, nothing] },
      content: { anyOf: [{ type: 'string' }, { type: 'array', items: part }, nothing] },
    },
    anyOf: [
      { ...role(['system', 'developer'], contentOf(text, refusal)), ...said },
      { ...role(['user'], contentOf(text, refusal, image)), ...said },
      role(['assistant'], { anyOf: [...contentOf(text, refusal).anyOf, nothing] }, { tool_calls: {} }),
      {
        ...role(['tool'], contentOf(text, refusal), { tool_call_id: { type: 'string' } }),
        required: ['content', 'tool_call_id'],
      },
    ],
  });
}
