import type { Flagless, Time } from './values.ts';

/** Where an account's events are posted. */
export interface WebhookTable {
  id: string;
  account_id: number;
  /** Where `for_jobs` is 1, the origin of the jobs' own URLs. */
  url: string;
  /** 1: stands for the jobs of the account whose own `webhook_url` has this origin. Its id follows from both. */
  for_jobs: number;
  /** Types of events, separated by spaces. */
  events: string;
  description: string | null;
  /** 1: deliveries have the results of jobs. */
  include_result: number;
  /** 1: gets the events of all owners' miners. */
  all_miners: number;
  /** 1: `events` has receipt.published. */
  receipts: number;
  /** As clients get it: `whsec_…`. Null for the secret of the account. */
  secret: string | null;
  /** The secret before, with which deliveries are signed as well until `previous_until`. */
  previous_secret: string | null;
  previous_until: Time | null;
  state: 'active' | 'paused' | 'disabled';
  disabled_reason: 'gone' | 'failing' | null;
  /** Since when deliveries fail; null while they succeed. */
  failing_since: Time | null;
  last_success_at: Time | null;
  /** When a process should look for deliveries; null where there are none. During a lease, its end. */
  due_at: Time | null;
  /** Until then, the deliveries belong to the process that leased them. */
  leased_until: Time | null;
  /** The receiver asked for quiet until then. */
  quiet_until: Time | null;
  created_at: Time;
  updated_at: Time;
}

/** What a webhook is to be told. The body follows from the subject's rows when it is sent. */
export interface WebhookDeliveryTable {
  /** `msg_`, the time of the event as in a ULID, and a hash of webhook, type and subject. */
  id: string;
  webhook_id: string;
  type: string;
  /** The id of the job, batch, receipt or miner. */
  subject: string;
  occurred_at: Time;
  state: 'pending' | 'delivered' | 'failed';
  /** Number of tries since it was queued, and of all tries. */
  tries: number;
  attempts: number;
  /** Null where it is not pending. */
  next_at: Time | null;
}

/** The log of tries. */
export interface WebhookAttemptTable {
  /** `DELIVERY/NUMBER`, with the number padded so that ids sort. */
  id: string;
  url: string;
  started_at: Time;
  duration_ms: number;
  status_code: number | null;
  error: string | null;
  response: string | null;
}

/** The secret of an account, for its jobs' own URLs. */
export interface WebhookSecretTable {
  account_id: number;
  secret: string;
  previous_secret: Flagless<string | null>;
  previous_until: Flagless<Time | null>;
}
