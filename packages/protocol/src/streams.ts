import { type Static, type TSchema, Type } from 'typebox';
import { AnswerDetails, FinishReason, ResultType } from './chat.ts';
import { CLOSED, MinerEpoch, MinerId, Nullable, Timestamp } from './common.ts';
import { JobError, JobStatus, TokenUsage } from './jobs.ts';
import { LIMITS } from './limits.ts';
import { Receipt } from './receipts.ts';
import { EVENT_ID_PATTERN } from './stated.ts';

const Attempt = Type.Integer({
  minimum: 1,
  maximum: LIMITS.attempts.max,
  description: 'The attempt of the job, 1 on the first claim.',
});
const First = Type.Integer({
  minimum: 0,
  maximum: LIMITS.chunkIndex,
  description: 'Index of the first chunk of this request within the attempt, from 0.',
});

/** Text as a miner generates it, many requests to an attempt. */
export const PostChunks = Type.Object(
  {
    miner_id: MinerId,
    epoch: Type.Optional(MinerEpoch),
    attempt: Type.Optional(Attempt),
    first: First,
    chunks: Type.Array(
      Type.Union([
        Type.String({ minLength: 1 }),
        Type.Object(
          { reasoning: Type.String({ minLength: 1 }) },
          { description: 'What the model thinks before its answer.' },
        ),
      ]),
      {
        maxItems: LIMITS.chunks,
        description:
          'The next pieces of the text; none to ask where the stream stands, and to extend the lease.',
      },
    ),
  },
  CLOSED,
);
export type PostChunks = Static<typeof PostChunks>;

/** The query of one long request, whose body is a line of JSON for each chunk: `{"text":"…"}` or `{"reasoning":"…"}`. */
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
    next: Type.Integer({ minimum: 0, description: 'Index of the chunk that comes next.' }),
    lease_expires_at: Timestamp,
    deadline: Timestamp,
  },
  { $id: 'PostedChunks' },
);
export type PostedChunks = Static<typeof PostedChunks>;

export const FollowJob = Type.Object(
  {
    last_event_id: Type.Optional(
      Type.String({
        maxLength: 64,
        pattern: EVENT_ID_PATTERN,
        description: 'Goes on behind this event: for clients that can not send the header Last-Event-ID.',
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
      attempt: Type.Integer({ minimum: 0, description: 'Claims so far.' }),
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
    { description: 'The next piece of what the model thinks before its answer. Counted with the chunks.' },
  ),
  restart: Type.Object(
    { attempt: Attempt },
    { description: 'Another attempt took over: the text so far is void, and starts anew.' },
  ),
  result: Type.Object(
    {
      result: Nullable(Type.String({ description: 'null once erased.' })),
      result_type: Type.Optional(ResultType),
      finish_reason: Type.Optional(FinishReason),
      ...AnswerDetails.properties,
      usage: Nullable(TokenUsage),
    },
    { description: 'The whole text, which is what the receipt is for.' },
  ),
  receipt: {
    ...Receipt,
    $id: undefined,
    description: 'The receipt; then the stream ends.',
  } as typeof Receipt,
  error: Type.Object(JobError.properties, {
    description: 'Why the job failed; then the stream ends.',
  }),
} satisfies Record<string, TSchema>;

type Events = typeof EVENTS;

/** What happens to a job, as its client is told by server-sent events: `event`, and `data` as JSON. */
export type JobEvent = { [Name in keyof Events]: { event: Name; data: Static<Events[Name]> } }[keyof Events];

/** A job's event with the id by which a client goes on behind it. */
export type NumberedJobEvent = JobEvent & { id: string };

type Described = { description?: string; properties: object };

/** Schemas of the data of a job's events, by the event's name. */
export const JOB_EVENTS: Readonly<Record<JobEvent['event'], Described>> = EVENTS;
