import type { Generated } from 'kysely';
import type { Flagless, Json, MicroCredits, Time } from './values.ts';

/** Virtual time of start-time fair queueing, one for each model and priority. */
export interface FairClockTable {
  id: Generated<number>;
  model: string;
  priority: number;
  /** That of its queue that is furthest on. */
  virtual_time: number;
  /** Rank that the next job of the busiest client would get. */
  tail_rank: number;
  dispatched_at: Time;
  /** Smoothed run time of its jobs in ms; 0 until one has completed. */
  average_run_ms: number;
  pending: number;
  running: number;
}

/** Where a client's next job would stand on a fair clock. */
export interface FairShareTable {
  /** `CLOCK/ACCOUNT` */
  id: string;
  clock_id: number;
  account_id: number;
  next_rank: number;
}

/** Jobs that the same miners can run: counted here, so that nobody has to count them. */
export interface QueueTable {
  id: Generated<number>;
  clock_id: number;
  model: string;
  priority: number;
  /** Empty: anywhere. */
  region: string;
  min_vram_gb: number;
  /** 1: of runs of jobs that several owners' miners run. */
  lane: number;
  /** Abilities that the model must have at the miner, sorted, with commas between: `images,tools`. */
  needs: Flagless<string>;
  /** Tokens that the model must take at the miner. */
  min_context: Flagless<number>;
  /** Rank of the job whose turn it was last. Behind the clock's where fewer miners can run its jobs. */
  virtual_time: number;
  pending: number;
  running: number;
}

export interface JobTable {
  id: string;
  account_id: number;
  queue_id: number;
  model: string;
  priority: number;
  max_price: number | null;
  max_attempts: number;
  salt: string;
  prompt_hash: string;
  created_at: Time;
  expires_at: Time;
  rank: number;
  status: 'pending' | 'running' | 'completed' | 'failed' | 'cancelled';
  attempts: Flagless<number>;
  /** A pending job is not given out before this, except to `held_for`: an offer, or the backoff after a failure. */
  held_until: Flagless<Time | null>;
  held_for: Flagless<string | null>;
  miner_id: Flagless<string | null>;
  started_at: Flagless<Time | null>;
  lease_expires_at: Flagless<Time | null>;
  /** Of a running job. Of one that failed as miners were busy: when they may have room again, where they said so. */
  deadline: Flagless<Time | null>;
  completed_at: Flagless<Time | null>;
  receipt_id: Flagless<string | null>;
  error_code: Flagless<string | null>;
  error_detail: Flagless<string | null>;
  /** What kind of failure it was, and the code that the engine gave. */
  error_class: Flagless<string | null>;
  engine_code: Flagless<string | null>;
  /** When its input and output were deleted for their age. */
  erased_at: Flagless<Time | null>;
  /** What is set aside of its owner's balance while it has not ended. */
  reserved: Flagless<MicroCredits>;
  /** Tokens that it can be charged for, where its model is priced by tokens. */
  token_limit: Flagless<number | null>;
  /** Length of what is asked, in UTF-8; null for jobs from before that was kept. */
  prompt_bytes: Flagless<number | null>;
  /** How long no coordinator ran while the current attempt did, in ms. */
  away_ms: Flagless<number>;
  /** 1: its text is wanted as it is generated. */
  stream: Flagless<number>;
  /**
   * `replicated`: is not run itself, but has runs. `run`: one of them. `check`: a run to compare an ordinary job's
   * result with, which its client knows nothing of.
   */
  role: Flagless<'ordinary' | 'replicated' | 'run'>;
  /** The job that it is a run of. */
  run_of: Flagless<string | null>;
  /** Of a job that has runs: by operator the run that it may have. */
  owners: Flagless<Json | null>;
  /** Bytes of its input, which count for its account while it has not ended. */
  input_bytes: Flagless<number>;
  /** Which request of which batch it answers: `BATCH/LINE`, the number padded so that they sort. */
  batch_line: Flagless<string | null>;
}

/** The texts are apart from the job, so that a change of status does not write them again. */
export interface JobInputTable {
  job_id: string;
  /** The text that prompt_hash is for: the prompt, or else canonical JSON. */
  prompt: string;
  kind: Flagless<'prompt' | 'chat' | 'embedding'>;
  /** Of it, what an engine takes as the client wrote it: tools and the form of the answer. */
  own: Flagless<Json | null>;
  params: Json;
  metadata: Json | null;
}

export interface JobOutputTable {
  job_id: string;
  /** The text that artifact_hash is for. */
  result: string;
  type: Flagless<'text' | 'message' | 'embeddings'>;
  finish_reason: Flagless<string | null>;
  usage: Json | null;
  /** Reasoning, refusal and logprobs, where there are any. */
  details: Flagless<Json | null>;
}

/** How far a job's text has been streamed. There from its first chunk on. */
export interface JobStreamTable {
  job_id: string;
  /** How often the stream has started anew: the text of runs before is void. */
  run: number;
  /** Of this run, which is also the index of the next one. */
  chunks: number;
  /** Of this run, in UTF-8. */
  bytes: number;
  /** Of this run; null before it. */
  first_chunk_at: Time | null;
  /** When the job ended; null while it may go on. */
  ended_at: Time | null;
}

export interface JobChunkTable {
  /** `JOB/RUN/INDEX`, the numbers padded so that they sort. */
  id: string;
  text: string;
  kind: Flagless<'text' | 'reasoning'>;
}
