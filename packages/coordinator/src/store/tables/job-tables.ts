import type { Generated } from 'kysely';
import type { Flagless, Json, MicroCredits, Time } from './values.ts';

/** The clocks of start-time fair queueing, one for each model and priority. */
export interface FairClockTable {
  id: Generated<number>;
  model: string;
  priority: number;
  /** The latest virtual time of the clock's queues. */
  virtual_time: number;
  /** The rank that the next job of the busiest client would get. */
  tail_rank: number;
  dispatched_at: Time;
  /** Smoothed run time of jobs in ms; 0 until one has completed. */
  average_run_ms: number;
  pending: number;
  running: number;
}

/** The rank that a client's next job would get on a fair clock. */
export interface FairShareTable {
  /** `CLOCK/ACCOUNT` */
  id: string;
  clock_id: number;
  account_id: number;
  next_rank: number;
}

/** Jobs with the same requirements. Their number is stored, so that no query has to count them. */
export interface QueueTable {
  id: Generated<number>;
  clock_id: number;
  model: string;
  priority: number;
  /** Empty means any region. */
  region: string;
  min_vram_gb: number;
  /** 1: the queue has runs of replicated jobs. */
  restriction: number;
  /** Abilities that the model must have at the miner, sorted and joined by commas: `images,tools`. */
  needs: Flagless<string>;
  /** Length of the context that the model must take at the miner, in tokens. */
  min_context: Flagless<number>;
  /** The miners and owners that clients chose for these jobs, as canonical JSON. Empty if they chose none. */
  miners: Flagless<string>;
  /** Rank of the job that was claimed last. Queues that few miners can serve are behind their clock. */
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
  /** Until then, only the miner `held_for` may claim the job, because of an offer or the backoff after a failure. */
  held_until: Flagless<Time | null>;
  held_for: Flagless<string | null>;
  miner_id: Flagless<string | null>;
  started_at: Flagless<Time | null>;
  lease_expires_at: Flagless<Time | null>;
  /** End of a running job's lease. For a job that failed because miners were busy: when they expect to be free, if known. */
  deadline: Flagless<Time | null>;
  completed_at: Flagless<Time | null>;
  receipt_id: Flagless<string | null>;
  error_code: Flagless<string | null>;
  error_detail: Flagless<string | null>;
  /** The class of the failure, and the engine's error code. */
  error_class: Flagless<string | null>;
  engine_code: Flagless<string | null>;
  /** When the input and output were deleted because of their age. */
  erased_at: Flagless<Time | null>;
  /** The part of the owner's balance that is reserved until the job ends. */
  reserved: Flagless<MicroCredits>;
  /** The most tokens that can be charged, if the model is priced by tokens. */
  token_limit: Flagless<number | null>;
  /** Size of the prompt in UTF-8, or null for jobs older than this column. */
  prompt_bytes: Flagless<number | null>;
  /** Time of the current attempt during which no coordinator ran, in ms. */
  away_ms: Flagless<number>;
  /** 1: the client wants the text while it is generated. */
  stream: Flagless<number>;
  /**
   * `replicated`: is not run itself, but has runs. `run`: one of them. `check`: a run to compare an ordinary job's
   * result with, which its client knows nothing of.
   */
  role: Flagless<'ordinary' | 'replicated' | 'run'>;
  /** The replicated job that this run belongs to. */
  run_of: Flagless<string | null>;
  /** For a replicated job: the run that each operator may have, by operator. */
  owners: Flagless<Json | null>;
  /** Size of the input, which counts for the account until the job ends. */
  input_bytes: Flagless<number>;
  /** The API key that submitted the job; null for callers without a key and for jobs older than this column. */
  key_id: Flagless<string | null>;
  /** The part of the budgets of the key that is reserved until the job ends. */
  key_reserved: Flagless<MicroCredits>;
  /** The batch's request that the job answers: `BATCH/LINE`, with the number padded so that values sort. */
  batch_line: Flagless<string | null>;
  /** Where the job's own events are posted, or null: `{webhook, url, events}`. */
  webhook: Flagless<Json | null>;
  /** The job's place in a trace, as a W3C `traceparent`, or null. */
  traceparent: Flagless<string | null>;
}

/** Inputs have a table of their own, so that a change of a job's status does not write them again. */
export interface JobInputTable {
  job_id: string;
  /** The text whose hash is `prompt_hash`: the prompt, or canonical JSON. */
  prompt: string;
  kind: Flagless<'prompt' | 'chat' | 'embedding'>;
  /** The parts that engines get exactly as the client wrote them: tools and the response format. */
  own: Flagless<Json | null>;
  params: Json;
  metadata: Json | null;
  /** The models that the client named, best first, or null if it named one. */
  models: Flagless<Json | null>;
}

/** A job that names several models and has not ended. */
export interface JobFallbackTable {
  job_id: string;
  /** When it is looked at whether the job waits for the right model. */
  due_at: Time;
  /** How many attempts each model gets. */
  attempts: number;
}

export interface JobOutputTable {
  job_id: string;
  /** The text whose hash is `artifact_hash`. */
  result: string;
  type: Flagless<'text' | 'message' | 'embeddings'>;
  finish_reason: Flagless<string | null>;
  usage: Json | null;
  /** Reasoning, refusal and logprobs, or null. */
  details: Flagless<Json | null>;
}

/** The progress of a job's stream. The row exists from the first chunk on. */
export interface JobStreamTable {
  job_id: string;
  /** How often the stream has started again. The text before is void. */
  restarts: number;
  /** Number of chunks since the last start, which is the index of the next one. */
  chunks: number;
  /** Size of their text in UTF-8. */
  bytes: number;
  /** Time of the first of them, or null before it. */
  first_chunk_at: Time | null;
  /** When the job ended, or null. */
  ended_at: Time | null;
}

export interface JobChunkTable {
  /** `JOB/RESTARTS/INDEX`, with the numbers padded so that ids sort. */
  id: string;
  text: string;
  kind: Flagless<'text' | 'reasoning'>;
}
