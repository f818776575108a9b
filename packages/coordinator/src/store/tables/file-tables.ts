import type { Flagless, Json, Time } from './values.ts';

/** What a client uploaded, or a batch wrote. */
export interface FileTable {
  id: string;
  account_id: number;
  /** Only files that are `whole` are shown to anybody; `deleted` ones are about to go. */
  status: 'partial' | 'whole' | 'deleted';
  purpose: 'batch' | 'batch_output';
  filename: string;
  /** In UTF-8. */
  bytes: number;
  /** How many it has. */
  parts: number;
  /** Batches that yet read or write it: it is not erased before they have ended. */
  uses: number;
  created_at: Time;
  /** When it is erased, unless it is in use. */
  expires_at: Time;
}

/** Texts of a file, which are the file one after the other. */
export interface FilePartTable {
  /** `FILE/INDEX`, the number padded so that they sort. */
  id: string;
  text: string;
}

/** A file of requests that is worked off as jobs. */
export interface BatchTable {
  id: string;
  account_id: number;
  endpoint: string;
  /** The tier of the key that made it, whose limits its jobs keep. */
  tier: Flagless<string | null>;
  /** As it was asked for: `24h`. */
  completion_window: string;
  metadata: Json | null;
  input_file_id: string;
  /** Of the answers, and of the requests that got none; null until there is one. */
  output_file_id: string | null;
  error_file_id: string | null;
  /** Why it failed. */
  errors: Json | null;
  /** What is being done with it. */
  stage: 'validating' | 'submitting' | 'running' | 'ending' | 'writing' | 'done';
  /** What it comes to, once that is decided. */
  outcome: 'completed' | 'failed' | 'expired' | 'cancelled' | null;
  /** Where in the input file the stage goes on: index of a part, characters into it, and the number of the line there. */
  part: number;
  position: number;
  line: number;
  /** Requests; those that were answered, those that were not, and jobs that have not ended. */
  total: number;
  completed: number;
  failed: number;
  outstanding: number;
  created_at: Time;
  /** The end of its window. */
  expires_at: Time;
  in_progress_at: Time | null;
  cancelling_at: Time | null;
  finalizing_at: Time | null;
  ended_at: Time | null;
}
