import { type Static, type TSchema, Type } from 'typebox';
import { CLOSED, Nullable, Signature } from './common.ts';
import { LIMITS } from './limits.ts';

/**
 * How a value of a passport is known. `hashed`: the miner's agent computed it from the model's file. `engine`: the
 * engine told it. `claimed`: the owner states it.
 */
export const PASSPORT_SOURCES = ['hashed', 'engine', 'claimed'] as const;
export const PassportSource = Type.Enum([...PASSPORT_SOURCES], {
  type: 'string',
  description:
    'How the value is known. hashed: the agent computed it from the model’s file; engine: the engine told it; claimed: the owner states it.',
});
export type PassportSource = Static<typeof PassportSource>;

const DIGEST_PATTERN = '^sha256:[0-9a-f]{64}$';
/** A digest, or a repository of Hugging Face at a commit. */
const WEIGHTS_PATTERN =
  '^(sha256:[0-9a-f]{64}|hf:[A-Za-z0-9][A-Za-z0-9._-]*/[A-Za-z0-9][A-Za-z0-9._-]*@[0-9a-f]{40})$';
/** Printable ASCII. */
const WORDS_PATTERN = '^[\\x20-\\x7e]+$';
const QUANTIZATION_PATTERN = '^[A-Za-z0-9][A-Za-z0-9._+-]*$';

export const WeightsDigest = Type.String({
  maxLength: LIMITS.passportTextLength,
  pattern: WEIGHTS_PATTERN,
  description:
    'What identifies a model’s weights: `sha256:…` of the file (of several files one after the other), or a commit of a repository of Hugging Face, `hf:OWNER/NAME@COMMIT`.',
});

export const Quantization = Type.String({
  maxLength: LIMITS.quantizationLength,
  pattern: QUANTIZATION_PATTERN,
  description: 'How the weights are stored, in any case.',
  examples: ['Q8_0'],
});

const Digest = (description: string) => Type.String({ pattern: DIGEST_PATTERN, description });
const Words = (description: string) =>
  Type.String({ maxLength: LIMITS.passportTextLength, pattern: WORDS_PATTERN, description });

/** The settings of sampling. Values that are absent are unknown. */
export const Sampler = Type.Object(
  {
    temperature: Type.Optional(Type.Number({ minimum: 0, maximum: 100 })),
    top_p: Type.Optional(Type.Number({ minimum: 0, maximum: 1 })),
    top_k: Type.Optional(
      Type.Integer({ minimum: 0, maximum: LIMITS.tokens, description: '0 takes all tokens.' }),
    ),
    min_p: Type.Optional(Type.Number({ minimum: 0, maximum: 1 })),
    repeat_penalty: Type.Optional(Type.Number({ minimum: 0, maximum: 100, description: '1 is no penalty.' })),
    presence_penalty: Type.Optional(Type.Number({ minimum: -100, maximum: 100 })),
    frequency_penalty: Type.Optional(Type.Number({ minimum: -100, maximum: 100 })),
  },
  CLOSED,
);
export type Sampler = Static<typeof Sampler>;

/** The settings that applied to an answer. */
export const EffectiveParameters = Type.Object(
  {
    ...Sampler.properties,
    seed: Type.Optional(Type.Integer({ minimum: -LIMITS.seed, maximum: LIMITS.seed })),
    max_tokens: Type.Optional(Type.Integer({ minimum: 1, maximum: LIMITS.tokens })),
  },
  {
    ...CLOSED,
    description:
      'The parameters that the miner sent to its engine: those of the job, and for what it left out the defaults of the model’s passport and a seed that follows from job and attempt. Absent ones are unknown.',
  },
);
export type EffectiveParameters = Static<typeof EffectiveParameters>;

const Told = <T extends TSchema>(value: T) =>
  Type.Optional(Type.Object({ value, source: PassportSource }, CLOSED));

/** What a passport says. Equal set-ups of different miners say the same. */
export const PassportStatement = Type.Object(
  {
    weights: Told(WeightsDigest),
    quantization: Told(Quantization),
    tokenizer: Told(
      Digest('SHA-256 of the metadata of the GGUF file whose keys begin with `tokenizer.ggml.`.'),
    ),
    chat_template: Told(Digest('SHA-256 of the template’s text.')),
    engine: Told(Words('The program that runs the model.')),
    build: Told(Words('Its version.')),
    context_length: Told(
      Type.Integer({
        minimum: 1,
        maximum: LIMITS.tokens,
        description: 'Tokens of prompt and answer together.',
      }),
    ),
    kv_cache_type: Told(Words('How the engine stores what it has read, such as f16.')),
    sampler: Told(Sampler),
  },
  CLOSED,
);
export type PassportStatement = Static<typeof PassportStatement>;

/** A passport as a miner registers it. */
export const Passport = Type.Object(
  {
    ...PassportStatement.properties,
    signature: {
      ...Signature,
      description:
        'By the `public_key` of this registration over the canonical JSON (RFC 8785) of an object with `type` ("passport"), `version` ("1"), `miner_id`, `model` and `passport`, which is the passport without its signature.',
    },
  },
  { ...CLOSED, description: 'Which model runs there, and how.' },
);
export type Passport = Static<typeof Passport>;

export const PassportDigest = Type.String({
  pattern: '^[0-9a-f]{64}$',
  description: 'hex SHA-256 of the canonical JSON (RFC 8785) of the passport without its signature.',
});

/** A passport as the coordinator shows it. */
export const PublicPassport = Type.Object(
  { digest: PassportDigest, ...Passport.properties },
  { description: 'What the miner signed about this model. Nobody has proven it.' },
);
export type PublicPassport = Static<typeof PublicPassport>;

/** The passports of a model, and how many live miners have each. */
export const ModelPassport = Type.Object({
  digest: Nullable(Type.String({ description: 'Null for the miners that have registered no passport.' })),
  miners: Type.Integer({ minimum: 1 }),
  weights: Nullable(Type.String()),
  quantization: Nullable(Type.String()),
});
export type ModelPassport = Static<typeof ModelPassport>;

export const ModelPassports = Type.Array(ModelPassport, {
  maxItems: LIMITS.modelPassports,
  description: 'What the miners have signed about the model, most miners first.',
});
