import { type Static, Type } from 'typebox';
import { Asked, PROMPT } from './asked.ts';
import { AnswerDetails, FinishReason, ResultType } from './chat.ts';
import { CLOSED, Cursor, Metadata, Model, Nullable, PageQuery, Timestamp, WAIT } from './common.ts';
import { FailureClass } from './errors.ts';
import { LIMITS } from './limits.ts';
import { EffectiveParameters } from './passports.ts';
import { JobConstraints, JobParams } from './submit-job.ts';
import { WebhookUrl } from './webhooks.ts';

export const JOB_STATUSES = ['pending', 'running', 'completed', 'failed', 'cancelled'] as const;
export const JobStatus = Type.Enum([...JOB_STATUSES], { type: 'string' });
export type JobStatus = Static<typeof JobStatus>;

export const JobError = Type.Object({
  error_code: Type.Enum(
    [
      'JOB_EXPIRED',
      'JOB_REFUSED',
      'JOB_UNREADABLE',
      'JOB_UNSUPPORTED',
      'LEASE_EXPIRED',
      'MINER_FAILED',
      'MINERS_BUSY',
      'RESULTS_DISAGREE',
    ],
    { type: 'string' },
  ),
  detail: Type.String(),
  error_class: Type.Optional(FailureClass),
  engine_code: Type.Optional(
    Type.String({ description: 'The engine’s own error code, such as context_length_exceeded.' }),
  ),
  retry_after: Type.Optional(
    Type.Integer({
      minimum: 0,
      maximum: LIMITS.retryAfterSeconds,
      description: 'For MINERS_BUSY: seconds until the miner may have room, if it said so.',
    }),
  ),
});
export type JobError = Static<typeof JobError>;

/** The place of a pending job in its queue. It is estimated from counters, so it may be slightly wrong. */
export const QueueInfo = Type.Object({
  position: Type.Integer({ minimum: 1, description: '1 is next.' }),
  eligible_miners: Type.Integer({ minimum: 0, description: 'How many live miners could run the job.' }),
  estimated_start_seconds: Nullable(
    Type.Number({ description: 'Null when there are no measurements to estimate from.' }),
  ),
  reason: Nullable(
    Type.String({ description: 'Why the job can not start now, when no live miner can run it.' }),
  ),
});
export type QueueInfo = Static<typeof QueueInfo>;

/** How a model is priced. */
export const ModelPrice = Type.Object(
  {
    unit: Type.Enum(['gpu_second', 'token'], { type: 'string', description: 'What is counted.' }),
    credits: Type.Number({ description: 'Credits for one GPU second, or for 1,000 tokens.' }),
  },
  { description: 'Credits for one GPU second, or for 1,000 tokens of prompt and answer together.' },
);
export type ModelPrice = Static<typeof ModelPrice>;

/** The answer to a job with `dry_run`. */
export const JobPreview = Type.Object(
  {
    dry_run: Type.Literal(true),
    model: Type.String(),
    price: ModelPrice,
    cost: Type.Object({
      most: Type.Number({
        description: 'The most credits that it can cost, with all runs of `replication`.',
      }),
      usual: Type.Number({ description: 'What jobs of the model usually cost at most.' }),
    }),
    available: Nullable(
      Type.Number({
        description:
          'Credits that the balance, where clients pay ahead, and the budget of the key leave for it. Null without limit.',
      }),
    ),
    queue: QueueInfo,
    models: Type.Optional(
      Type.Array(
        Type.Object({
          model: Type.String(),
          price: ModelPrice,
          eligible_miners: Type.Integer({ minimum: 0 }),
        }),
        { description: 'For a job that names several models: each of them, best first.' },
      ),
    ),
  },
  {
    $id: 'JobPreview',
    description: 'What the coordinator knows before a job is submitted. It promises nothing.',
  },
);
export type JobPreview = Static<typeof JobPreview>;

const Count = Type.Integer({ minimum: 0, maximum: LIMITS.tokens });

/** Tokens as the engine counted them. Unknown counts are absent. */
export const TokenUsage = Type.Object({
  prompt_tokens: Type.Optional(Count),
  completion_tokens: Type.Optional(Count),
  cached_tokens: Type.Optional({
    ...Count,
    description: 'Tokens of the prompt that came from the engine’s cache.',
  }),
  reasoning_tokens: Type.Optional({
    ...Count,
    description: 'Tokens of the completion that are reasoning before the answer.',
  }),
});
export type TokenUsage = Static<typeof TokenUsage>;

/** One run of a job with `replication`. Each run is on another owner's miner. */
export const JobRun = Type.Object({
  job_id: Type.String({ description: 'The job id that the miner and the receipt of this run have.' }),
  status: JobStatus,
  miner_id: Nullable(Type.String()),
  receipt_id: Nullable(Type.String()),
  salt: Type.String({ description: 'The salt of prompt_hash and artifact_hash in its receipt.' }),
  agrees: Nullable(
    Type.Boolean({
      description:
        'Whether its result equals the result of the job. Null until both exist, and after they are erased.',
    }),
  ),
  error: Nullable(JobError),
});
export type JobRun = Static<typeof JobRun>;

/** A job as its owner sees it. */
export const Job = Type.Object(
  {
    job_id: Type.String({ examples: ['job-01kc0pq5w8e4z9k3v7t2m6n1rx'] }),
    status: JobStatus,
    model: Type.String(),
    prompt: Nullable(Type.String({ description: `${PROMPT} Null once erased.` })),
    ...Asked,
    params: JobParams,
    priority: Type.Integer(),
    constraints: JobConstraints,
    metadata: Nullable(Metadata),
    models: Type.Optional(
      Type.Array(Type.String(), {
        description: 'The models that the job may use, best first, if it names several.',
      }),
    ),
    webhook_url: Type.Optional(WebhookUrl),
    stream: Type.Boolean({ description: 'Whether the text is streamed while it is generated.' }),
    attempts: Type.Integer({ description: 'How many claims the job has had.' }),
    max_attempts: Type.Integer(),
    created_at: Timestamp,
    expires_at: Timestamp,
    started_at: Nullable(Timestamp),
    completed_at: Nullable(Timestamp),
    miner_id: Nullable(Type.String()),
    result: Nullable(Type.String({ description: 'The text that artifact_hash is of.' })),
    result_type: Type.Optional(ResultType),
    finish_reason: Type.Optional(FinishReason),
    ...AnswerDetails.properties,
    effective_parameters: Type.Optional(EffectiveParameters),
    usage: Nullable(TokenUsage),
    error: Nullable(JobError),
    receipt_id: Nullable(Type.String()),
    erased_at: Nullable({
      ...Timestamp,
      description:
        'When prompt, params, metadata, result and usage were erased because of their age; null before.',
    }),
    salt: Type.String({
      description: 'The salt of prompt_hash and artifact_hash in the receipt: SHA-256(salt ‖ text).',
    }),
    queue: Nullable(QueueInfo),
    runs: Type.Optional(Type.Array(JobRun, { description: 'Only for a job with `replication`: its runs.' })),
  },
  { $id: 'Job' },
);
export type Job = Static<typeof Job>;

/** A job in a list, without its texts. */
export const JobSummary = Type.Omit(
  Job,
  [
    ...([
      'prompt',
      'messages',
      'tools',
      'tool_choice',
      'response_format',
      'input',
      'params',
      'metadata',
      'webhook_url',
      'models',
    ] as const),
    ...(['stream', 'result', 'result_type', 'finish_reason', 'salt', 'queue', 'usage', 'runs'] as const),
    ...(['reasoning', 'refusal', 'logprobs', 'effective_parameters'] as const),
  ],
  {
    $id: 'JobSummary',
  },
);
export type JobSummary = Static<typeof JobSummary>;

export const ListJobs = Type.Object(
  {
    ...PageQuery.properties,
    cursor: Type.Optional(Cursor('^job-[0-9a-z]{26}$')),
    status: Type.Optional(JobStatus),
    model: Type.Optional(Model),
    all: Type.Optional(
      Type.Boolean({
        description:
          'The jobs of all accounts, for administrators. Each page searches a thousand jobs, so it may be short or empty and still have a next page.',
      }),
    ),
  },
  CLOSED,
);
export type ListJobs = Static<typeof ListJobs>;

export const GetJob = Type.Object(
  {
    wait: Type.Optional(Type.Number({ ...WAIT, description: 'Seconds to wait for the job to end.' })),
  },
  CLOSED,
);
export type GetJob = Static<typeof GetJob>;
