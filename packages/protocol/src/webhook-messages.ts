import type { Batch } from './batches.ts';
import type { Job } from './jobs.ts';
import type { Receipt } from './receipts.ts';

/** What a delivery says about a job. */
export interface WebhookJob
  extends Pick<
    Job,
    | 'job_id'
    | 'status'
    | 'model'
    | 'attempts'
    | 'created_at'
    | 'started_at'
    | 'completed_at'
    | 'miner_id'
    | 'metadata'
    | 'error'
    | 'receipt_id'
  > {
  receipt: Receipt | null;
  /** Only for webhooks with include_result, with the other fields of a job's result. */
  result?: Job['result'];
  usage?: Job['usage'];
  /** The result is left out, since the body would be too large with it. */
  result_too_large?: true;
}

interface WebhookSubjects {
  'job.completed': WebhookJob;
  'job.failed': WebhookJob;
  'job.cancelled': WebhookJob;
  'batch.completed': Omit<Batch, 'errors'>;
  'batch.failed': Omit<Batch, 'errors'>;
  'receipt.published': Receipt;
  'miner.offline': { miner_id: string; region: string | null; offline_at: string };
  'miner.suspended': {
    miner_id: string;
    region: string | null;
    suspended_at: string;
    /** The verification that led to it, which the owner may appeal against; null where the reputation did. */
    suspended_by: string | null;
  };
  'webhook.test': { test_id: string };
}

/** The body of a delivery. */
export type WebhookMessage = {
  [T in keyof WebhookSubjects]: {
    type: T;
    /** When it happened, RFC 3339. */
    timestamp: string;
    data: WebhookSubjects[T];
  };
}[keyof WebhookSubjects];
