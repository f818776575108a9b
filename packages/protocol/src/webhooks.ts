import { type Static, Type } from 'typebox';
import { CLOSED, Cursor, Nullable, PageQuery, Timestamp } from './common.ts';
import { LIMITS } from './limits.ts';
import { stated } from './stated.ts';

/** What a webhook can be told. `batch.failed` is also for batches that expired or were cancelled. */
export const WEBHOOK_EVENTS = [
  'job.completed',
  'job.failed',
  'job.cancelled',
  'batch.completed',
  'batch.failed',
  'receipt.published',
  'miner.offline',
  'miner.suspended',
] as const;
export const WebhookEventType = Type.Enum([...WEBHOOK_EVENTS], { type: 'string' });
export type WebhookEventType = Static<typeof WebhookEventType>;

/** What a job's own `webhook_url` can be told. */
export const JOB_WEBHOOK_EVENTS = ['job.completed', 'job.failed', 'job.cancelled'] as const;

export const WebhookUrl = Type.String({
  ...stated({ pattern: '^https?://' }),
  minLength: 1,
  maxLength: LIMITS.webhookUrlLength,
  description:
    'Where deliveries are posted: https to a public address, or what the operator allows. No redirects are followed.',
  examples: ['https://your-app.com/webhook'],
});

const Events = Type.Array(WebhookEventType, {
  minItems: 1,
  maxItems: WEBHOOK_EVENTS.length,
  description: 'The events to be told. A repeated one counts once.',
});

const Description = Type.String({ maxLength: LIMITS.webhookDescriptionLength });

export const NewWebhook = Type.Object(
  {
    url: WebhookUrl,
    events: Events,
    description: Type.Optional(Description),
    include_result: Type.Optional(
      Type.Boolean({
        description:
          'Deliveries of job.completed carry the result where the body stays below 20 kB with it; else result_too_large is true.',
      }),
    ),
    all_miners: Type.Optional(
      Type.Boolean({
        description: 'Miner events of all owners, for administrators. Else those of your own.',
      }),
    ),
  },
  { ...CLOSED, $id: 'NewWebhook' },
);
export type NewWebhook = Static<typeof NewWebhook>;

export const WebhookChange = Type.Object(
  {
    url: Type.Optional(WebhookUrl),
    events: Type.Optional(Events),
    description: Type.Optional(Nullable(Description)),
    include_result: Type.Optional(Type.Boolean()),
    paused: Type.Optional(
      Type.Boolean({
        description:
          'True keeps events until the webhook is resumed, for as long as deliveries are kept. False resumes it, also when it was disabled.',
      }),
    ),
  },
  { ...CLOSED, $id: 'WebhookChange', minProperties: 1 },
);
export type WebhookChange = Static<typeof WebhookChange>;

export const WEBHOOK_STATES = ['active', 'paused', 'disabled'] as const;

export const Webhook = Type.Object(
  {
    id: Type.String({ examples: ['hook-01kc0pq5w8e4z9k3v7t2m6n1rx'] }),
    url: Type.String({
      description: 'For a webhook with for_jobs: the origin that the URLs of these jobs have.',
    }),
    events: Type.Array(WebhookEventType),
    description: Nullable(Type.String()),
    include_result: Type.Boolean(),
    all_miners: Type.Boolean(),
    for_jobs: Type.Boolean({
      description:
        'Whether it stands for jobs with a webhook_url of their own at this origin. These are signed with the secret of the account.',
    }),
    state: Type.Enum([...WEBHOOK_STATES], {
      type: 'string',
      description: 'A paused webhook keeps its events; a disabled one gets none.',
    }),
    disabled_reason: Nullable(
      Type.Enum(['gone', 'failing'], {
        type: 'string',
        description: 'gone: it answered 410. failing: no delivery has succeeded for five days.',
      }),
    ),
    failing_since: Nullable({
      ...Timestamp,
      description: 'Since when deliveries fail; null while they succeed.',
    }),
    last_success_at: Nullable(Timestamp),
    next_attempt_at: Nullable({ ...Timestamp, description: 'When the next delivery is due, if any is.' }),
    created_at: Timestamp,
    updated_at: Timestamp,
  },
  { $id: 'Webhook' },
);
export type Webhook = Static<typeof Webhook>;

const Secret = Type.String({
  description: 'Deliveries are signed with it (Standard Webhooks).',
  examples: ['whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD'],
});

export const CreatedWebhook = Type.Object(
  { ...Webhook.properties, secret: { ...Secret, description: 'It is shown only now.' } },
  { $id: 'CreatedWebhook' },
);
export type CreatedWebhook = Static<typeof CreatedWebhook>;

export const WebhookSecret = Type.Object(
  {
    secret: Secret,
    previous_valid_until: Nullable({
      ...Timestamp,
      description: 'Until then, deliveries are signed with the secret before as well.',
    }),
  },
  { $id: 'WebhookSecret' },
);
export type WebhookSecret = Static<typeof WebhookSecret>;

export const WebhookKey = Type.Object(
  {
    key: Type.String({
      description: 'The Ed25519 key that verifies the v1a signatures of all deliveries.',
      examples: ['whpk_OqPRUhb7Eq5SYzzHXQfMZqDOMfpfO2sq1+ZOqX6LwBM='],
    }),
  },
  { $id: 'WebhookKey' },
);
export type WebhookKey = Static<typeof WebhookKey>;

/** One try of a delivery. */
export const WebhookAttempt = Type.Object({
  at: Timestamp,
  url: Type.String(),
  duration_ms: Type.Integer(),
  status_code: Nullable(Type.Integer({ description: 'Null where no answer came.' })),
  error: Nullable(Type.String({ description: 'Why no answer came, or why it counts as a failure.' })),
  response: Nullable(Type.String({ description: 'The first kilobyte of the answer.' })),
});
export type WebhookAttempt = Static<typeof WebhookAttempt>;

export const WEBHOOK_DELIVERY_STATES = ['pending', 'delivered', 'failed'] as const;

export const WebhookDelivery = Type.Object(
  {
    id: Type.String({
      description: 'The header webhook-id, equal for all tries.',
      examples: ['msg_01kc0pq5w84f1c0d9b2a7e6c5d3b1a'],
    }),
    type: Type.String({ examples: ['job.completed'] }),
    subject: Type.String({ description: 'The id of the job, batch, receipt or miner.' }),
    occurred_at: Timestamp,
    state: Type.Enum([...WEBHOOK_DELIVERY_STATES], { type: 'string' }),
    next_attempt_at: Nullable(Timestamp),
    body: Nullable(
      Type.String({ description: 'What is posted, as text. Null where the subject exists no more.' }),
    ),
    attempts: Type.Array(WebhookAttempt, { description: 'The last tries, oldest first.' }),
  },
  { $id: 'WebhookDelivery' },
);
export type WebhookDelivery = Static<typeof WebhookDelivery>;

const WebhookCursor = Cursor('^hook-[0-9a-z]{26}$');
export const ListWebhooks = Type.Object(
  { ...PageQuery.properties, cursor: Type.Optional(WebhookCursor) },
  CLOSED,
);
export type ListWebhooks = Static<typeof ListWebhooks>;

export const ListDeliveries = Type.Object(
  {
    ...PageQuery.properties,
    cursor: Type.Optional(Cursor('^msg_[0-9a-z]{30}$')),
    state: Type.Optional(Type.Enum([...WEBHOOK_DELIVERY_STATES], { type: 'string' })),
  },
  CLOSED,
);
export type ListDeliveries = Static<typeof ListDeliveries>;

export const RedeliverSince = Type.Object(
  {
    since: Type.String({
      format: 'date-time',
      description: 'Deliveries of events from then on are sent again.',
    }),
    only_failed: Type.Optional(
      Type.Boolean({ description: 'Leaves out those that were delivered.', default: false }),
    ),
  },
  { ...CLOSED, $id: 'RedeliverSince' },
);
export type RedeliverSince = Static<typeof RedeliverSince>;

export const Redelivering = Type.Object(
  {
    redelivering: Type.Integer({ description: 'How many deliveries will be sent again.' }),
    complete: Type.Boolean({
      description:
        'False where there are more than one request handles: ask again, from the time in next_since.',
    }),
    next_since: Nullable(Timestamp),
  },
  { $id: 'Redelivering' },
);
export type Redelivering = Static<typeof Redelivering>;
