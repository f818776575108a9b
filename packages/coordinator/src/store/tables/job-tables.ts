import type { Generated } from 'kysely';
import {
  type Defaulted,
  defineKeptTable,
  defineTable,
  integerColumn,
  type Json,
  type MicroCredits,
  realColumn,
  type Time,
  textColumn,
} from './define-table.ts';

export const jobTables = {
  /** The clocks of start-time fair queueing, one for each model and priority. */
  fair_clock: defineKeptTable('id', {
    id: integerColumn<Generated<number>>(),
    model: textColumn(),
    priority: integerColumn(),
    /** The latest virtual time of the clock's queues. */
    virtual_time: integerColumn(),
    /** The rank that the next job of the busiest client would get. */
    tail_rank: integerColumn(),
    dispatched_at: integerColumn<Time>(),
    /** Smoothed run time of jobs in ms; 0 until one has completed. */
    average_run_ms: realColumn(),
    pending: integerColumn(),
    running: integerColumn(),
  }),

  /** The rank that a client's next job would get on a fair clock. */
  fair_share: defineKeptTable('id', {
    /** `CLOCK/ACCOUNT` */
    id: textColumn(),
    clock_id: integerColumn(),
    account_id: integerColumn(),
    next_rank: integerColumn(),
  }),

  /** Jobs with the same requirements. Their number is stored, so that no query has to count them. */
  queue: defineKeptTable('id', {
    id: integerColumn<Generated<number>>(),
    clock_id: integerColumn(),
    model: textColumn(),
    priority: integerColumn(),
    /** Empty means any region. */
    region: textColumn(),
    min_vram_gb: integerColumn(),
    /** 1: the queue has runs of replicated jobs. */
    restriction: integerColumn(),
    /** Abilities that the model must have at the miner, sorted and joined by commas: `images,tools`. */
    needs: textColumn<Defaulted<string>>(),
    /** Length of the context that the model must take at the miner, in tokens. */
    min_context: integerColumn<Defaulted<number>>(),
    /** The miners and owners that clients chose for these jobs, as canonical JSON. Empty if they chose none. */
    miners: textColumn<Defaulted<string>>(),
    /** What the model's passport must say, as canonical JSON. Empty if clients demand nothing. */
    passport_demand: textColumn<Defaulted<string>>(),
    /** Rank of the job that was claimed last. Queues that few miners can serve are behind their clock. */
    virtual_time: integerColumn(),
    pending: integerColumn(),
    running: integerColumn(),
  }),

  job: defineKeptTable(
    'id',
    {
      id: textColumn(),
      account_id: integerColumn(),
      queue_id: integerColumn(),
      model: textColumn(),
      priority: integerColumn(),
      max_price: realColumn<number | null>(),
      max_attempts: integerColumn(),
      salt: textColumn(),
      prompt_hash: textColumn(),
      created_at: integerColumn<Time>(),
      expires_at: integerColumn<Time>(),
      rank: integerColumn(),
      status: textColumn<'pending' | 'running' | 'completed' | 'failed' | 'cancelled'>(),
      attempts: integerColumn<Defaulted<number>>(),
      /** Until then, only the miner `held_for` may claim the job, because of an offer or the backoff after a failure. */
      held_until: integerColumn<Defaulted<Time | null>>(),
      held_for: textColumn<Defaulted<string | null>>(),
      miner_id: textColumn<Defaulted<string | null>>(),
      /**
       * The digest of the passport that the miner had registered for the model when it claimed the job; null if it had
       * none. For a replicated job: the one that its runs have in common, empty if they have none, null before the
       * first claim.
       */
      passport: textColumn<Defaulted<string | null>>(),
      started_at: integerColumn<Defaulted<Time | null>>(),
      lease_expires_at: integerColumn<Defaulted<Time | null>>(),
      /** End of a running job's lease. For a job that failed because miners were busy: when they expect to be free, if known. */
      deadline: integerColumn<Defaulted<Time | null>>(),
      completed_at: integerColumn<Defaulted<Time | null>>(),
      receipt_id: textColumn<Defaulted<string | null>>(),
      error_code: textColumn<Defaulted<string | null>>(),
      error_detail: textColumn<Defaulted<string | null>>(),
      /** The class of the failure, and the engine's error code. */
      error_class: textColumn<Defaulted<string | null>>(),
      engine_code: textColumn<Defaulted<string | null>>(),
      /** When the input and output were deleted because of their age. */
      erased_at: integerColumn<Defaulted<Time | null>>(),
      /** The part of the owner's balance that is reserved until the job ends. */
      reserved: integerColumn<Defaulted<MicroCredits>>(),
      /** The most tokens that can be charged, if the model is priced by tokens. */
      token_limit: integerColumn<Defaulted<number | null>>(),
      /** Size of the prompt in UTF-8, or null for jobs older than this column. */
      prompt_bytes: integerColumn<Defaulted<number | null>>(),
      /** Time of the current attempt during which no coordinator ran, in ms. */
      away_ms: integerColumn<Defaulted<number>>(),
      /** 1: the client wants the text while it is generated. */
      stream: integerColumn<Defaulted<number>>(),
      /**
       * `replicated`: is not run itself, but has runs. `run`: one of them. `check`: a run to compare an ordinary job's
       * result with, which its client knows nothing of.
       */
      role: textColumn<Defaulted<'ordinary' | 'replicated' | 'run'>>(),
      /** The replicated job that this run belongs to. */
      run_of: textColumn<Defaulted<string | null>>(),
      /** For a replicated job: the run that each operator may have, by operator. */
      owners: textColumn<Defaulted<Json | null>>(),
      /** Size of the input, which counts for the account until the job ends. */
      input_bytes: integerColumn<Defaulted<number>>(),
      /** The API key that submitted the job; null for callers without a key and for jobs older than this column. */
      key_id: textColumn<Defaulted<string | null>>(),
      /** The part of the budgets of the key that is reserved until the job ends. */
      key_reserved: integerColumn<Defaulted<MicroCredits>>(),
      /** The batch's request that the job answers: `BATCH/LINE`, with the number padded so that values sort. */
      batch_line: textColumn<Defaulted<string | null>>(),
      /** Where the job's own events are posted, or null: `{webhook, url, events}`. */
      webhook: textColumn<Defaulted<Json | null>>(),
      /** The job's place in a trace, as a W3C `traceparent`, or null. */
      traceparent: textColumn<Defaulted<string | null>>(),
    },
    { until: job => job.completed_at !== null },
  ),

  /** Inputs have a table of their own, so that a change of a job's status does not write them again. */
  job_input: defineKeptTable(
    'job_id',
    {
      job_id: textColumn(),
      /** The text whose hash is `prompt_hash`: the prompt, or canonical JSON. */
      prompt: textColumn(),
      kind: textColumn<Defaulted<'prompt' | 'chat' | 'embedding'>>(),
      /** The parts that engines get exactly as the client wrote them: tools and the response format. */
      own: textColumn<Defaulted<Json | null>>(),
      params: textColumn<Json>(),
      metadata: textColumn<Json | null>(),
      /** The models that the client named, best first, or null if it named one. */
      models: textColumn<Defaulted<Json | null>>(),
      /** 1: the client consented that verifiers of other owners read prompt and answer. */
      consent: integerColumn<Defaulted<number | null>>(),
    },
    { readOnce: true },
  ),

  /** A job that names several models and has not ended. */
  job_fallback: defineTable('job_id', {
    job_id: textColumn(),
    /** When it is looked at whether the job waits for the right model. */
    due_at: integerColumn<Time>(),
    /** How many attempts each model gets. */
    attempts: integerColumn(),
  }),

  job_output: defineTable('job_id', {
    job_id: textColumn(),
    /** The text whose hash is `artifact_hash`. */
    result: textColumn(),
    type: textColumn<Defaulted<'text' | 'message' | 'embeddings'>>(),
    finish_reason: textColumn<Defaulted<string | null>>(),
    usage: textColumn<Json | null>(),
    /** Reasoning, refusal and logprobs, or null. */
    details: textColumn<Defaulted<Json | null>>(),
    /** The parameters that applied, or null if the miner did not tell them. */
    parameters: textColumn<Defaulted<Json | null>>(),
  }),

  /** The progress of a job's stream. The row exists from the first chunk on. */
  job_stream: defineTable('job_id', {
    job_id: textColumn(),
    /** How often the stream has started again. The text before is void. */
    restarts: integerColumn(),
    /** Number of chunks since the last start, which is the index of the next one. */
    chunks: integerColumn(),
    /** Size of their text in UTF-8. */
    bytes: integerColumn(),
    /** Time of the first of them, or null before it. */
    first_chunk_at: integerColumn<Time | null>(),
    /** When the job ended, or null. */
    ended_at: integerColumn<Time | null>(),
  }),

  job_chunk: defineTable('id', {
    /** `JOB/RESTARTS/INDEX`, with the numbers padded so that ids sort. */
    id: textColumn(),
    text: textColumn(),
    kind: textColumn<Defaulted<'text' | 'reasoning'>>(),
  }),
};
