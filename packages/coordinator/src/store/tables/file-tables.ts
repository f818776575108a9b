import {
  type Defaulted,
  defineTable,
  integerColumn,
  type Json,
  type Time,
  textColumn,
} from './define-table.ts';

export const fileTables = {
  /** Files that clients upload and batches write. */
  file: defineTable('id', {
    id: textColumn(),
    account_id: integerColumn(),
    /** Callers see only `whole` files. `deleted` ones are being erased. */
    status: textColumn<'partial' | 'whole' | 'deleted'>(),
    purpose: textColumn<'batch' | 'batch_output'>(),
    filename: textColumn(),
    /** Size in UTF-8. */
    bytes: integerColumn(),
    /** Number of parts. */
    parts: integerColumn(),
    /** Number of unfinished batches that read or write the file. It is not erased before they have ended. */
    uses: integerColumn(),
    created_at: integerColumn<Time>(),
    /** When the file is erased, unless it is in use. */
    expires_at: integerColumn<Time>(),
  }),

  /** The parts of a file. Joined in order, they are its text. */
  file_part: defineTable('id', {
    /** `FILE/INDEX`, with the index padded so that ids sort. */
    id: textColumn(),
    text: textColumn(),
  }),

  /** A file of requests, each of which runs as a job. */
  batch: defineTable('id', {
    id: textColumn(),
    account_id: integerColumn(),
    endpoint: textColumn(),
    /** The tier of the key that created the batch. Its limits apply to the jobs. */
    tier: textColumn<Defaulted<string | null>>(),
    /** The id of that key; null for callers without a key and for batches older than this column. */
    key_id: textColumn<Defaulted<string | null>>(),
    /** The place of its jobs in a trace, as a W3C `traceparent`, or null. */
    traceparent: textColumn<Defaulted<string | null>>(),
    /** As requested: `24h`. */
    completion_window: textColumn(),
    metadata: textColumn<Json | null>(),
    input_file_id: textColumn(),
    /** Files of the answers and of the failed requests, or null until they exist. */
    output_file_id: textColumn<string | null>(),
    error_file_id: textColumn<string | null>(),
    /** Why the batch failed. */
    errors: textColumn<Json | null>(),
    /** The current stage of processing. */
    stage: textColumn<'validating' | 'submitting' | 'running' | 'ending' | 'writing' | 'done'>(),
    /** The final status, once it is decided. */
    outcome: textColumn<'completed' | 'failed' | 'expired' | 'cancelled' | null>(),
    /** Where the stage continues in the input file: index of the part, characters into it, and number of the line. */
    part: integerColumn(),
    position: integerColumn(),
    line: integerColumn(),
    /** Number of all requests, of answered ones, of failed ones, and of unfinished jobs. */
    total: integerColumn(),
    completed: integerColumn(),
    failed: integerColumn(),
    outstanding: integerColumn(),
    created_at: integerColumn<Time>(),
    /** The end of the completion window. */
    expires_at: integerColumn<Time>(),
    in_progress_at: integerColumn<Time | null>(),
    cancelling_at: integerColumn<Time | null>(),
    finalizing_at: integerColumn<Time | null>(),
    ended_at: integerColumn<Time | null>(),
  }),
};
