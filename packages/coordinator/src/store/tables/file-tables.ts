import type { Flagless, Json, Time } from './values.ts';

/** Files that clients upload and batches write. */
export interface FileTable {
  id: string;
  account_id: number;
  /** Callers see only `whole` files. `deleted` ones are being erased. */
  status: 'partial' | 'whole' | 'deleted';
  purpose: 'batch' | 'batch_output';
  filename: string;
  /** Size in UTF-8. */
  bytes: number;
  /** Number of parts. */
  parts: number;
  /** Number of unfinished batches that read or write the file. It is not erased before they have ended. */
  uses: number;
  created_at: Time;
  /** When the file is erased, unless it is in use. */
  expires_at: Time;
}

/** The parts of a file. Joined in order, they are its text. */
export interface FilePartTable {
  /** `FILE/INDEX`, with the index padded so that ids sort. */
  id: string;
  text: string;
}

/** A file of requests, each of which runs as a job. */
export interface BatchTable {
  id: string;
  account_id: number;
  endpoint: string;
  /** The tier of the key that created the batch. Its limits apply to the jobs. */
  tier: Flagless<string | null>;
  /** The id of that key; null for callers without a key and for batches older than this column. */
  key_id: Flagless<string | null>;
  /** As requested: `24h`. */
  completion_window: string;
  metadata: Json | null;
  input_file_id: string;
  /** Files of the answers and of the failed requests, or null until they exist. */
  output_file_id: string | null;
  error_file_id: string | null;
  /** Why the batch failed. */
  errors: Json | null;
  /** The current stage of processing. */
  stage: 'validating' | 'submitting' | 'running' | 'ending' | 'writing' | 'done';
  /** The final status, once it is decided. */
  outcome: 'completed' | 'failed' | 'expired' | 'cancelled' | null;
  /** Where the stage continues in the input file: index of the part, characters into it, and number of the line. */
  part: number;
  position: number;
  line: number;
  /** Number of all requests, of answered ones, of failed ones, and of unfinished jobs. */
  total: number;
  completed: number;
  failed: number;
  outstanding: number;
  created_at: Time;
  /** The end of the completion window. */
  expires_at: Time;
  in_progress_at: Time | null;
  cancelling_at: Time | null;
  finalizing_at: Time | null;
  ended_at: Time | null;
}
