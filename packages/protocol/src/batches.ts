import { type Static, Type } from 'typebox';
import { Nullable } from './common.ts';
import { LIMITS } from './limits.ts';
import { stated, WINDOW_PATTERN } from './stated.ts';

/* Batches in the shapes of OpenAI's API. */

export const CreateBatch = Type.Object(
  {
    input_file_id: Type.String({
      description:
        'A file of JSON lines, a request in each: `{"custom_id":…,"method":"POST","url":…,"body":…}`, all to the endpoint.',
    }),
    endpoint: Type.String({
      ...stated({ enum: ['/v1/chat/completions', '/v1/completions', '/v1/embeddings'] }),
      description: '`/v1/chat/completions`, `/v1/completions` or `/v1/embeddings`.',
    }),
    completion_window: Type.String({
      ...stated({ pattern: WINDOW_PATTERN }),
      description:
        'Requests not answered within this time are given up: `24h`, or other hours and days, up to 30 days.',
    }),
    metadata: Type.Optional(
      Type.Record(Type.String(), Type.String(), { maxProperties: LIMITS.metadataKeys }),
    ),
  },
  { $id: 'CreateBatch' },
);
export type CreateBatch = Static<typeof CreateBatch>;

export const BatchError = Type.Object(
  {
    code: Type.String({ description: 'What is wrong, as a code for programs.' }),
    message: Type.String({ description: 'What is wrong, as text for people.' }),
    param: Nullable(Type.String({ description: 'The field that is wrong.' })),
    line: Nullable(Type.Integer({ description: 'The line in the file, from 1.' })),
  },
  { $id: 'BatchError' },
);
export type BatchError = Static<typeof BatchError>;

const Time = Nullable(Type.Integer({ description: 'Unix seconds.' }));
const Count = Type.Integer({ minimum: 0 });

export const Batch = Type.Object(
  {
    id: Type.String(),
    object: Type.Literal('batch'),
    endpoint: Type.String(),
    errors: Nullable(
      Type.Object(
        { object: Type.Literal('list'), data: Type.Array(BatchError) },
        { description: 'What is wrong with the file of a failed batch.' },
      ),
    ),
    input_file_id: Type.String(),
    completion_window: Type.String(),
    status: Type.Enum(
      [
        ...['validating', 'failed', 'in_progress', 'finalizing', 'completed', 'expired'],
        ...['cancelling', 'cancelled'],
      ] as const,
      { type: 'string' },
    ),
    output_file_id: Nullable(
      Type.String({ description: 'A file of JSON lines with an answer each, in the order of the requests.' }),
    ),
    error_file_id: Nullable(
      Type.String({
        description: 'A file of JSON lines for the requests that were not answered, with the reason.',
      }),
    ),
    created_at: Type.Integer({ description: 'Unix seconds.' }),
    in_progress_at: Time,
    expires_at: Type.Integer({ description: 'The end of the completion window, in Unix seconds.' }),
    finalizing_at: Time,
    completed_at: Time,
    failed_at: Time,
    expired_at: Time,
    cancelling_at: Time,
    cancelled_at: Time,
    request_counts: Type.Object({ total: Count, completed: Count, failed: Count }),
    metadata: Nullable(Type.Record(Type.String(), Type.String())),
  },
  { $id: 'Batch' },
);
export type Batch = Static<typeof Batch>;

export const BatchPage = Type.Object(
  {
    object: Type.Literal('list'),
    data: Type.Array(Batch),
    first_id: Nullable(Type.String()),
    last_id: Nullable(Type.String({ description: 'Send it as `after` to get the next page.' })),
    has_more: Type.Boolean(),
  },
  { $id: 'BatchPage' },
);
export type BatchPage = Static<typeof BatchPage>;
