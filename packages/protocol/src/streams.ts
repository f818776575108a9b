import { type Static, type TSchema, Type } from 'typebox';
import { AnswerDetails, FinishReason, ResultType } from './chat.ts';
import { CLOSED, MinerEpoch, MinerId, Nullable, Timestamp } from './common.ts';
import { Problem } from './errors.ts';
import { JobError, JobStatus, TokenUsage } from './jobs.ts';
import { LIMITS } from './limits.ts';
import { Receipt } from './receipts.ts';
import { EVENT_ID_PATTERN } from './stated.ts';

const Attempt = Type.Integer({
  minimum: 1,
  maximum: LIMITS.attempts.max,
  description: 'The attempt of the job, which is 1 on the first claim.',
});
const First = Type.Integer({
  minimum: 0,
  maximum: LIMITS.chunkIndex,
  description: 'The index of the first chunk of this request within the attempt, from 0.',
});

const NextChunks = {
  attempt: Type.Optional(Attempt),
  first: First,
  chunks: Type.Array(
    Type.Union([
      Type.String({ minLength: 1 }),
      Type.Object(
        { reasoning: Type.String({ minLength: 1 }) },
        { description: 'The reasoning before the answer.' },
      ),
    ]),
    {
      maxItems: LIMITS.chunks,
      description:
        'The next pieces of the text. An empty list asks for the next index and extends the lease.',
    },
  ),
};

/** Text that a miner sends while it is generated, in many requests for each attempt. */
export const PostChunks = Type.Object(
  { miner_id: MinerId, epoch: Type.Optional(MinerEpoch), ...NextChunks },
  CLOSED,
);
export type PostChunks = Static<typeof PostChunks>;

/** Text of several jobs that a miner generates at the same time. */
export const PostStreams = Type.Object(
  {
    epoch: Type.Optional(MinerEpoch),
    streams: Type.Array(
      Type.Object({ job_id: Type.String({ minLength: 1, maxLength: 64 }), ...NextChunks }, CLOSED),
      { minItems: 1, maxItems: LIMITS.claimMax },
    ),
  },
  CLOSED,
);
export type PostStreams = Static<typeof PostStreams>;

/**
 * The query of one long request, whose body has a line of JSON for each chunk: `{"text":"…"}` or
 * `{"reasoning":"…"}`.
 */
export const StreamChunks = Type.Object(
  {
    miner_id: Type.Optional(MinerId),
    epoch: Type.Optional(MinerEpoch),
    attempt: Type.Optional(Attempt),
    first: Type.Optional({ ...First, default: 0 }),
  },
  CLOSED,
);
export type StreamChunks = Static<typeof StreamChunks>;

export const PostedChunks = Type.Object(
  {
    job_id: Type.String(),
    next: Type.Integer({ minimum: 0, description: 'The index of the next chunk.' }),
    lease_expires_at: Timestamp,
    deadline: Timestamp,
  },
  { $id: 'PostedChunks' },
);
export type PostedChunks = Static<typeof PostedChunks>;

export const PostedStreams = Type.Object(
  {
    streams: Type.Array(
      Type.Object({
        job_id: Type.String(),
        next: Type.Optional(PostedChunks.properties.next),
        lease_expires_at: Type.Optional(Timestamp),
        deadline: Type.Optional(Timestamp),
        error: Type.Optional(Problem),
      }),
      {
        description:
          'What came of each stream, in the order of the request: `error`, or the fields of an answer to the chunks of one job.',
      },
    ),
  },
  { $id: 'PostedStreams' },
);
export type PostedStreams = Static<typeof PostedStreams>;

export const FollowJob = Type.Object(
  {
    last_event_id: Type.Optional(
      Type.String({
        maxLength: 64,
        pattern: EVENT_ID_PATTERN,
        description:
          'Continues after this event. It is for clients that can not send the header Last-Event-ID.',
      }),
    ),
  },
  CLOSED,
);
export type FollowJob = Static<typeof FollowJob>;

const EVENTS = {
  status: Type.Object(
    {
      job_id: Type.String(),
      status: JobStatus,
      attempt: Type.Integer({ minimum: 0, description: 'How many claims the job has had.' }),
      max_attempts: Type.Integer(),
      miner_id: Nullable(Type.String()),
    },
    { description: 'The status changed. After `cancelled` the stream ends.' },
  ),
  chunk: Type.Object(
    { attempt: Attempt, index: Type.Integer({ minimum: 0 }), text: Type.String() },
    { description: 'The next piece of the text.' },
  ),
  reasoning: Type.Object(
    { attempt: Attempt, index: Type.Integer({ minimum: 0 }), text: Type.String() },
    {
      description: 'The next piece of the reasoning before the answer. It shares its index with the chunks.',
    },
  ),
  restart: Type.Object(
    { attempt: Attempt },
    { description: 'Another attempt took over. The text so far is void and starts again.' },
  ),
  result: Type.Object(
    {
      result: Nullable(Type.String({ description: 'Null once erased.' })),
      result_type: Type.Optional(ResultType),
      finish_reason: Type.Optional(FinishReason),
      ...AnswerDetails.properties,
      usage: Nullable(TokenUsage),
    },
    { description: 'The whole result, which the receipt is for.' },
  ),
  receipt: {
    ...Receipt,
    $id: undefined,
    description: 'The receipt. The stream ends after it.',
  } as typeof Receipt,
  error: Type.Object(JobError.properties, {
    description: 'Why the job failed. The stream ends after it.',
  }),
} satisfies Record<string, TSchema>;

type Events = typeof EVENTS;

/** An event of a job, as server-sent events report it: `event`, and `data` as JSON. */
export type JobEvent = { [Name in keyof Events]: { event: Name; data: Static<Events[Name]> } }[keyof Events];

/** A job's event with the id to continue the stream after it. */
export type NumberedJobEvent = JobEvent & { id: string };

type Described = { description?: string; properties: object };

/** The schemas of the data of a job's events, by the event's name. */
export const JOB_EVENTS: Readonly<Record<JobEvent['event'], Described>> = EVENTS;
