import { type Static, type TSchema, Type } from 'typebox';
import { ChatRequest, EmbeddingInput } from './chat.ts';
import { Address, CLOSED, Metadata, MinerId, Model, Region } from './common.ts';
import { LIMITS } from './limits.ts';
import { Quantization, WeightsDigest } from './passports.ts';
import { configured, statedSubmission } from './stated.ts';
import { JOB_WEBHOOK_EVENTS, WebhookUrl } from './webhooks.ts';

/**
 * Sampling parameters. The ones listed here are checked; others are passed to the miner's engine unchanged.
 */
export const JobParams = Type.Object(
  {
    max_tokens: Type.Optional(
      Type.Integer({ minimum: 1, maximum: LIMITS.tokens, description: 'The most tokens to generate.' }),
    ),
    temperature: Type.Optional(Type.Number({ minimum: 0, maximum: 2 })),
    top_p: Type.Optional(Type.Number({ exclusiveMinimum: 0, maximum: 1 })),
    stop: Type.Optional(
      Type.Union([Type.String(), Type.Array(Type.String())], {
        description: 'The text ends before the first of these.',
      }),
    ),
    seed: Type.Optional(
      Type.Integer({
        minimum: -LIMITS.seed,
        maximum: LIMITS.seed,
        description: 'The same seed gives the same text, if the engine supports that.',
      }),
    ),
    presence_penalty: Type.Optional(Type.Number({ minimum: -2, maximum: 2 })),
    frequency_penalty: Type.Optional(Type.Number({ minimum: -2, maximum: 2 })),
  },
  { additionalProperties: true },
);
export type JobParams = Static<typeof JobParams> & Record<string, unknown>;

/** Which miners or owners a client wants. */
const Choice = (Name: TSchema, what: string) => {
  const list = (description: string) =>
    Type.Optional(Type.Array(Name, { minItems: 1, maxItems: LIMITS.chosenMiners, description }));
  return Type.Unsafe<MinerChoice>(
    Type.Object(
      {
        only: list(`Only ${what} get the job.`),
        first: list(`While one of ${what} is free or soon will be, the job is kept for it for some seconds.`),
        not: list(`${what[0]?.toUpperCase()}${what.slice(1)} never get the job.`),
      },
      CLOSED,
    ),
  );
};

export interface MinerChoice {
  only?: string[];
  first?: string[];
  not?: string[];
}

/** What a miner must have to get the job. */
export const JobConstraints = Type.Object(
  {
    min_vram_gb: Type.Optional(
      Type.Integer({ ...range(LIMITS.vramGb), description: 'The least GPU memory, in GB.' }),
    ),
    region: Type.Optional(Region),
    min_context: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: LIMITS.tokens,
        description: 'The least context of the model at the miner: tokens of prompt and answer together.',
      }),
    ),
    miners: Type.Optional(Choice(MinerId, 'these miners')),
    owners: Type.Optional(
      Choice(Address('The address of an owner’s account.'), 'the miners of these owners'),
    ),
    model_digest: Type.Optional({
      ...WeightsDigest,
      description:
        'Only miners whose passport of the model names these weights: `sha256:…` of the file, or `hf:OWNER/NAME@COMMIT`.',
    }),
    quantization: Type.Optional({
      ...Quantization,
      description: 'Only miners whose passport of the model names this quantization, in any case.',
    }),
    max_price: Type.Optional(
      Type.Number({
        minimum: 0,
        maximum: LIMITS.price,
        ...configured({ minimum: 'leastMaxPrice' }),
        description: 'The most credits that this job may cost. It shortens the deadline and caps the price.',
      }),
    ),
  },
  CLOSED,
);
export type JobConstraints = Static<typeof JobConstraints>;

export const SubmitJob = Type.Object(
  {
    prompt: Type.Optional(Type.String({ minLength: 1, examples: ['Explain quantum computing'] })),
    ...Type.Partial(ChatRequest).properties,
    input: Type.Optional(EmbeddingInput),
    model: Type.Optional(Model),
    models: Type.Optional(
      Type.Array(Model, {
        minItems: 1,
        maxItems: LIMITS.fallbackModels,
        description:
          'Models to use, best first, after `model` if that is given: the first one that a live miner can run. Another one follows if the job waits too long for it, or fails. The job costs what the model that ran it costs.',
      }),
    ),
    params: Type.Optional(JobParams),
    priority: Type.Optional(
      Type.Integer({
        ...range(LIMITS.priority),
        ...configured({ maximum: 'highestPriority' }),
        default: 0,
        description: 'Jobs with a higher priority run first. Clients share each priority fairly.',
      }),
    ),
    ttl_seconds: Type.Optional(
      Type.Integer({
        ...range(LIMITS.ttlSeconds),
        description: 'The job fails with JOB_EXPIRED when no miner claims it in this time.',
      }),
    ),
    max_attempts: Type.Optional(
      Type.Integer({
        ...range(LIMITS.attempts),
        description: 'How many claims may fail before the job fails.',
      }),
    ),
    replication: Type.Optional(
      Type.Integer({
        ...range(LIMITS.replication),
        description:
          "Run it on so many different owners' miners, and complete it with the result of more than half of them. Each run costs as a job does. For texts that are the same each time: params.temperature 0 and a params.seed, without stream and tools.",
      }),
    ),
    constraints: Type.Optional(JobConstraints),
    verification: Type.Optional(
      Type.Object(
        {
          consent: Type.Boolean({
            description:
              'Whether verifiers of other owners than the operator may read the prompt and the answer, to check which model answered.',
          }),
        },
        CLOSED,
      ),
    ),
    metadata: Type.Optional(Metadata),
    webhook_url: Type.Optional(WebhookUrl),
    webhook_events: Type.Optional(
      Type.Array(Type.Enum([...JOB_WEBHOOK_EVENTS], { type: 'string' }), {
        minItems: 1,
        maxItems: JOB_WEBHOOK_EVENTS.length,
        description: 'What `webhook_url` is told; all of them unless given.',
      }),
    ),
    stream: Type.Optional(
      Type.Boolean({
        description: 'The miner sends the text while it generates it. Read it at /v1/jobs/{id}/events.',
      }),
    ),
  },
  {
    ...CLOSED,
    ...statedSubmission,
    $id: 'SubmitJob',
    description:
      'A job has exactly one of `prompt`, `messages` (with `tools`, `tool_choice` and `response_format`) and `input`.',
  },
);
export type SubmitJob = Static<typeof SubmitJob> & { params?: JobParams };

/** The body of `POST /v1/jobs`: a job, or a question about one. */
export const SubmitOrPreview = Type.Object(
  {
    ...SubmitJob.properties,
    dry_run: Type.Optional(
      Type.Boolean({
        description:
          'Store nothing, and answer 200 with what the job may cost, how many miners could run it and when it would start.',
      }),
    ),
  },
  { ...CLOSED, ...statedSubmission, $id: 'SubmitOrPreview' },
);

export const SubmitBatch = Type.Object(
  {
    jobs: Type.Array(SubmitJob, { minItems: 1, maxItems: LIMITS.batchJobs }),
  },
  CLOSED,
);
export type SubmitBatch = Static<typeof SubmitBatch>;

function range({ min, max }: { min: number; max: number }) {
  return { minimum: min, maximum: max };
}
