import {
  type Defaulted,
  defineKeptTable,
  defineTable,
  integerColumn,
  type Time,
  textColumn,
} from './define-table.ts';

export const webhookTables = {
  /** Where an account's events are posted. */
  webhook: defineKeptTable('id', {
    id: textColumn(),
    account_id: integerColumn(),
    /** Where `for_jobs` is 1, the origin of the jobs' own URLs. */
    url: textColumn(),
    /** 1: stands for the jobs of the account whose own `webhook_url` has this origin. Its id follows from both. */
    for_jobs: integerColumn(),
    /** Types of events, separated by spaces. */
    events: textColumn(),
    description: textColumn<string | null>(),
    /** 1: deliveries have the results of jobs. */
    include_result: integerColumn(),
    /** 1: gets the events of all owners' miners. */
    all_miners: integerColumn(),
    /** 1: `events` has receipt.published. */
    receipts: integerColumn(),
    /** As clients get it: `whsec_…`. Null for the secret of the account. */
    secret: textColumn<string | null>(),
    /** The secret before, with which deliveries are signed as well until `previous_until`. */
    previous_secret: textColumn<string | null>(),
    previous_until: integerColumn<Time | null>(),
    state: textColumn<'active' | 'paused' | 'disabled'>(),
    disabled_reason: textColumn<'gone' | 'failing' | null>(),
    /** Since when deliveries fail; null while they succeed. */
    failing_since: integerColumn<Time | null>(),
    last_success_at: integerColumn<Time | null>(),
    /** When a process should look for deliveries; null where there are none. During a lease, its end. */
    due_at: integerColumn<Time | null>(),
    /** Until then, the deliveries belong to the process that leased them. */
    leased_until: integerColumn<Time | null>(),
    /** The receiver asked for quiet until then. */
    quiet_until: integerColumn<Time | null>(),
    created_at: integerColumn<Time>(),
    updated_at: integerColumn<Time>(),
  }),

  /** What a webhook is to be told. The body follows from the subject's rows when it is sent. */
  webhook_delivery: defineTable('id', {
    /** `msg_`, the time of the event as in a ULID, and a hash of webhook, type and subject. */
    id: textColumn(),
    webhook_id: textColumn(),
    type: textColumn(),
    /** The id of the job, batch, receipt or miner. */
    subject: textColumn(),
    occurred_at: integerColumn<Time>(),
    state: textColumn<'pending' | 'delivered' | 'failed'>(),
    /** Number of tries since it was queued, and of all tries. */
    tries: integerColumn(),
    attempts: integerColumn(),
    /** Null where it is not pending. */
    next_at: integerColumn<Time | null>(),
  }),

  /** The log of tries. */
  webhook_attempt: defineTable('id', {
    /** `DELIVERY/NUMBER`, with the number padded so that ids sort. */
    id: textColumn(),
    url: textColumn(),
    started_at: integerColumn<Time>(),
    duration_ms: integerColumn(),
    status_code: integerColumn<number | null>(),
    error: textColumn<string | null>(),
    response: textColumn<string | null>(),
  }),

  /** The secret of an account, for its jobs' own URLs. */
  webhook_secret: defineTable('account_id', {
    account_id: integerColumn(),
    secret: textColumn(),
    previous_secret: textColumn<Defaulted<string | null>>(),
    previous_until: integerColumn<Defaulted<Time | null>>(),
  }),
};
