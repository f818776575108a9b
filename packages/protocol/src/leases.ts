import { type Static, Type } from 'typebox';
import { Asked, PROMPT } from './asked.ts';
import { AnswerDetails, FinishReason, ResultType } from './chat.ts';
import { CLOSED, MinerEpoch, MinerId, Nullable, Signature, Timestamp, WAIT } from './common.ts';
import { FailureClass } from './errors.ts';
import { JobStatus, type TokenUsage } from './jobs.ts';
import { LIMITS } from './limits.ts';
import { MinerNotice } from './notices.ts';
import { EffectiveParameters } from './passports.ts';
import { OPTIONAL_BODY, statedTime } from './stated.ts';
import { JobConstraints, JobParams } from './submit-job.ts';

/** A job as a miner gets it, offered or claimed. */
export const MinerJob = Type.Object(
  {
    job_id: Type.String(),
    status: JobStatus,
    model: Type.String(),
    prompt: Type.String({ description: PROMPT }),
    ...Asked,
    params: JobParams,
    priority: Type.Integer(),
    constraints: JobConstraints,
    stream: Type.Boolean({
      description: 'Whether to post the text while it is generated, for a client that reads it.',
    }),
    attempt: Type.Integer({ description: '1 on the first claim.' }),
    created_at: Timestamp,
    lease_expires_at: Timestamp,
    deadline: Timestamp,
    salt: Type.String({ description: 'The salt of the hashes that a miner with a public key signs.' }),
    traceparent: Type.Optional(
      Type.String({
        description:
          'The place of this attempt in the client’s trace (W3C Trace Context), for the engine’s request.',
      }),
    ),
  },
  {
    $id: 'MinerJob',
    description:
      'The job is reserved for this miner until lease_expires_at. Heartbeats extend the lease, but not past the deadline.',
  },
);
export type MinerJob = Static<typeof MinerJob>;

export const ClaimJob = Type.Object({ miner_id: MinerId, epoch: Type.Optional(MinerEpoch) }, CLOSED);
export type ClaimJob = Static<typeof ClaimJob>;

export const CompleteJob = Type.Object(
  {
    miner_id: MinerId,
    epoch: Type.Optional(MinerEpoch),
    result: Type.String(),
    result_type: Type.Optional(ResultType),
    finish_reason: Type.Optional(FinishReason),
    ...AnswerDetails.properties,
    completed_at: Type.Optional(
      Type.String({
        format: 'iso-date-time',
        ...statedTime,
        description:
          'When the miner finished, by its own clock. It is recorded as reported. Without an offset it is UTC.',
      }),
    ),
    usage: Type.Optional(
      Type.Unsafe<TokenUsage>({
        description:
          'The engine’s token counts, see TokenUsage. An impossible count is dropped, and the result is still accepted.',
      }),
    ),
    signature: Type.Optional(Signature),
    effective_parameters: Type.Optional(EffectiveParameters),
    rendered_prompt_hash: Type.Optional(
      Type.String({
        pattern: '^[0-9a-f]{64}$',
        description:
          'hex SHA-256(salt ‖ the prompt as the engine rendered it by its chat template), where the engine shows it.',
      }),
    ),
  },
  CLOSED,
);
export type CompleteJob = Static<typeof CompleteJob>;

export const FailJob = Type.Object(
  {
    miner_id: MinerId,
    epoch: Type.Optional(MinerEpoch),
    error: Type.String({ minLength: 1, maxLength: LIMITS.errorLength }),
    error_class: Type.Optional(FailureClass),
    engine_code: Type.Optional(
      Type.String({
        maxLength: LIMITS.engineCodeLength,
        description: 'The engine’s own error code, such as context_length_exceeded.',
      }),
    ),
    retry_after: Type.Optional(
      Type.Number({
        minimum: 0,
        maximum: LIMITS.retryAfterSeconds,
        description: 'Seconds until a busy engine may have room.',
      }),
    ),
    retryable: Type.Optional(
      Type.Boolean({ default: true, description: '`false` ends the job even if attempts remain.' }),
    ),
  },
  CLOSED,
);
export type FailJob = Static<typeof FailJob>;

/** The state of a job after its miner gave it up. */
export const JobOutcome = Type.Object({
  job_id: Type.String(),
  status: JobStatus,
  attempts: Type.Integer(),
  max_attempts: Type.Integer(),
});
export type JobOutcome = Static<typeof JobOutcome>;

export const AvailableJob = Type.Object(
  {
    miner_id: MinerId,
    epoch: Type.Optional(MinerEpoch),
    wait: Type.Optional(Type.Number({ ...WAIT, description: 'Seconds to wait for a job.' })),
  },
  CLOSED,
);
export type AvailableJob = Static<typeof AvailableJob>;

export const ClaimJobs = Type.Object(
  {
    epoch: Type.Optional(MinerEpoch),
    max: Type.Optional(Type.Integer({ minimum: 1, maximum: LIMITS.claimMax, default: 1 })),
    wait: Type.Optional(
      Type.Number({ ...WAIT, default: 0, description: 'Seconds to wait for the first job.' }),
    ),
  },
  { ...CLOSED, ...OPTIONAL_BODY },
);
export type ClaimJobs = Static<typeof ClaimJobs>;

/** Why a miner does not get a waiting job. */
export const IDLE_REASONS = [
  ...(['model', 'ability', 'context', 'vram', 'region', 'choice', 'passport', 'excluded', 'held'] as const),
] as const;
export type IdleReason = (typeof IDLE_REASONS)[number];

/** Why a claim found nothing. The counts are estimates, up to a second old, over at most 200 kinds of jobs. */
export const IdleReport = Type.Object(
  {
    reason: Nullable(
      Type.String({
        description:
          'Why the miner gets no jobs at all at present, for example because none are pending or it is suspended.',
      }),
    ),
    blocked: Type.Array(
      Type.Object({
        reason: Type.Enum([...IDLE_REASONS], {
          type: 'string',
          description:
            'What keeps the jobs from this miner: their model, what the model can do, its context, the GPU memory, or the region. `choice`: their clients chose other miners. `passport`: their clients demand other weights or another quantization. `excluded`: the jobs are for other owners, because one of this miner’s operator ran or failed them. `held`: they pause after a failure or are offered to another miner, or this owner holds as many jobs as it may.',
        }),
        jobs: Type.Integer({ minimum: 1, description: 'How many jobs wait.' }),
        detail: Type.String({
          description: 'The reason in words, for the most frequent kind of these jobs.',
        }),
      }),
      { description: 'Waiting jobs that the miner did not get, by reason, most first.' },
    ),
    notices: Type.Optional(
      Type.Array(MinerNotice, { description: 'What the operator tells this miner’s owner, oldest first.' }),
    ),
  },
  { $id: 'IdleReport' },
);
export type IdleReport = Static<typeof IdleReport>;

export const ClaimedJobs = Type.Object({
  jobs: Type.Array(MinerJob),
  idle: Type.Optional(IdleReport),
});
export type ClaimedJobs = Static<typeof ClaimedJobs>;
