import { type JobParams, STATED, stated } from '@aitbc/protocol';
import type { Static, TSchema } from 'typebox';
import { Compile } from 'typebox/compile';
import { nearestIn } from '../nearest-name.ts';
import { invalidRequest, type OpenAiError } from './errors.ts';

/** Fields that are accepted and have no effect. */
const IGNORED_FIELDS = [
  ...['user', 'safety_identifier', 'prompt_cache_key', 'prompt_cache_retention'],
  ...['store', 'verbosity', 'prediction', 'service_tier'],
];

/** Unsupported fields, each with the harmless values that are accepted. */
const HARMLESS_VALUES: Readonly<Record<string, readonly unknown[]>> = {
  echo: [false],
  suffix: [''],
  // Of OpenRouter's API, for `models`.
  route: ['fallback'],
};

/** Parameters of inference engines that OpenAI's API does not have, or that only the engine interprets. */
const ENGINE_FIELDS = [
  ...[
    'top_k',
    'min_p',
    'typical_p',
    'top_a',
    'tfs_z',
    'top_n_sigma',
    'min_tokens',
    'ignore_eos',
    'logit_bias',
  ],
  ...['repetition_penalty', 'repeat_penalty', 'repeat_last_n', 'length_penalty', 'penalize_nl'],
  ...['dynatemp_range', 'dynatemp_exponent', 'mirostat', 'mirostat_tau', 'mirostat_eta', 'samplers'],
  ...['dry_multiplier', 'dry_base', 'dry_allowed_length', 'dry_penalty_last_n', 'dry_sequence_breakers'],
  ...['xtc_probability', 'xtc_threshold', 'bad_words', 'stop_token_ids', 'include_stop_str_in_output'],
  ...['skip_special_tokens', 'spaces_between_special_tokens', 'add_special_tokens', 'truncate_prompt_tokens'],
  ...['add_generation_prompt', 'continue_final_message', 'chat_template_kwargs', 'parallel_tool_calls'],
  ...['guided_json', 'guided_regex', 'guided_choice', 'guided_grammar', 'guided_decoding_backend'],
  ...['guided_whitespace_pattern', 'structured_outputs', 'grammar', 'json_schema', 'regex', 'ebnf'],
  ...['reasoning_effort', 'reasoning', 'reasoning_format', 'reasoning_budget', 'include_reasoning'],
  ...['separate_reasoning', 'think', 'thinking', 'thinking_budget', 'enable_thinking'],
  ...['num_ctx', 'num_keep', 'n_keep', 'num_predict', 'n_predict', 'cache_prompt', 'options', 'keep_alive'],
];

const SAMPLING_FIELDS = [
  'temperature',
  'top_p',
  'seed',
  'presence_penalty',
  'frequency_penalty',
  'max_tokens',
];

/**
 * Returns a function that reads a request body by its schema and throws OpenAiError if the body is invalid. A field
 * that is null counts as absent.
 */
export function createFieldReader<S extends TSchema>(schema: S, known: readonly string[]) {
  const validator = Compile(schema);
  return (body: unknown): Static<S> => {
    const fields = withoutNulls(body);
    if (!validator.Check(fields)) throw errorForFault(mainFault(validator.Errors(fields)));
    for (const [name, value] of Object.entries(fields as object)) failOnField(name, value, known);
    return fields as Static<S>;
  };
}

/**
 * Adds to a schema, for the API reference, all other fields that are accepted, and that optional fields may be null.
 */
export function describeFields<S extends TSchema>(schema: S): S {
  const {
    properties = {},
    required = [],
    [STATED]: more = {},
  } = schema as { properties?: object; required?: string[]; [STATED]?: object };
  const nullSchema = { type: 'null' };
  const named = Object.entries(properties).map(
    ([name, field]) => [name, required.includes(name) ? field : { anyOf: [field, nullSchema] }] as const,
  );
  const anyValue = (names: readonly string[]) => Object.fromEntries(names.map(name => [name, {}]));
  const isTextRequest = 'stream' in properties;
  return {
    ...schema,
    ...stated({
      ...more,
      properties: {
        ...anyValue(IGNORED_FIELDS),
        ...(isTextRequest && {
          ...anyValue([...SAMPLING_FIELDS, ...ENGINE_FIELDS]),
          ...Object.fromEntries(
            Object.entries(HARMLESS_VALUES).map(([name, values]) => [name, { enum: [...values, null] }]),
          ),
          modalities: { enum: [['text'], null] },
        }),
        ...Object.fromEntries(named),
      },
      additionalProperties: false,
    }),
  };
}

/** Returns the job parameters among the fields of a request. */
export function jobParamsOf(fields: Readonly<Record<string, unknown>>): JobParams {
  const named = Object.entries(fields).filter(
    ([name]) => SAMPLING_FIELDS.includes(name) || ENGINE_FIELDS.includes(name),
  );
  const { stop, max_completion_tokens: limit } = fields;
  const stops = [stop].flat().filter(text => typeof text === 'string' && text !== '');
  return {
    ...Object.fromEntries(named),
    ...(stops.length > 0 && { stop: stops as string[] }),
    ...(limit !== undefined && { max_tokens: Number(limit) }),
  };
}

function failOnField(name: string, value: unknown, known: readonly string[]): void {
  if (known.includes(name) || IGNORED_FIELDS.includes(name)) return;
  const harmless = HARMLESS_VALUES[name];
  if (harmless?.includes(value)) return;
  if (name === 'modalities' && JSON.stringify(value) === '["text"]') return;
  if (harmless) {
    const only = harmless.map(value => JSON.stringify(value)).join(' or ');
    throw invalidRequest(`${name} must be ${only}`, name, 'unsupported_value');
  }
  if (SAMPLING_FIELDS.includes(name) || ENGINE_FIELDS.includes(name)) return;
  const near = nearestIn(name, [...known, ...SAMPLING_FIELDS, ...ENGINE_FIELDS]);
  const hint = near === undefined ? '' : `: did you mean ${near}?`;
  throw invalidRequest(
    `The parameter ${name} is unknown or not supported${hint}`,
    name,
    'unsupported_parameter',
  );
}

/** Only the object's own fields are dropped: null has a meaning inside of some fields. */
function withoutNulls(body: unknown): unknown {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return body;
  return Object.fromEntries(Object.entries(body).filter(([, value]) => value !== null));
}

interface Fault {
  keyword?: string;
  instancePath: string;
  params: object;
  message: string;
}

/**
 * Returns the fault to report. For a union the validator lists the faults of every variant: the deepest fault, and
 * rather one that is not about a type, belongs to the variant that the client most likely meant.
 */
function mainFault([first, ...others]: readonly Fault[]): Fault | undefined {
  if (!first) return undefined;
  const isSame = ({ keyword, instancePath }: Fault) =>
    keyword !== 'anyOf' &&
    (instancePath === first.instancePath || instancePath.startsWith(`${first.instancePath}/`));
  const weight = ({ keyword, instancePath }: Fault) =>
    2 * instancePath.split('/').length + (keyword === 'type' ? 0 : 1);
  return others.filter(isSame).reduce((best, fault) => (weight(fault) > weight(best) ? fault : best), first);
}

const CODES: Record<string, string> = { required: 'missing_required_parameter', type: 'invalid_type' };

function errorForFault(fault: Fault | undefined): OpenAiError {
  const { keyword = '', instancePath = '', params = {}, message = 'is invalid' } = fault ?? {};
  const { requiredProperties = [] } = params as { requiredProperties?: string[] };
  const [missing] = keyword === 'required' ? requiredProperties : [];
  const path = [...instancePath.split('/').slice(1), ...(missing === undefined ? [] : [missing])];
  const param = path
    .map((part, index) => (/^\d+$/.test(part) ? `[${part}]` : (index > 0 ? '.' : '') + part))
    .join('');
  const code = CODES[keyword] ?? 'invalid_value';
  const detail = missing === undefined ? `${param || 'The body'} ${message}` : `${param} is missing`;
  return invalidRequest(detail, param || undefined, code);
}
