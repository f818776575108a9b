import type { ColumnType, Generated, Insertable, Selectable } from 'kysely';

/** Milliseconds since the Unix epoch. */
type Time = number;
/** JSON text. */
type Json = string;
/** Millionths of a credit, a whole number. */
type MicroCredits = number;
type Flagless<T> = ColumnType<T, T | undefined, T>;

/** Everyone who can owe or earn: owners of keys, and the addresses that miners are paid at. */
interface AccountTable {
  id: Generated<number>;
  address: string;
  name: string | null;
  created_at: Time;
  /** What it earned and was granted, less what it owes: follows from the entries of the ledger. */
  balance: Flagless<MicroCredits>;
  /** What of it its jobs may yet cost. */
  reserved: Flagless<MicroCredits>;
  /** Receipts of jobs that it asked for, of jobs that it ran, and of either. They follow from the entries too. */
  jobs: Flagless<number>;
  jobs_run: Flagless<number>;
  receipts: Flagless<number>;
  /** Entries that name it. */
  transactions: Flagless<number>;
  /** 1: the operator of the coordinator vouches for it: no limits for owners of miners hold for it. */
  trusted: Flagless<number>;
  /** Its jobs that have not ended, runs counted each; kept by the transactions that change them. */
  pending: Flagless<number>;
  running: Flagless<number>;
  /** What all its jobs have cost. */
  spent: Flagless<MicroCredits>;
  /** The same when it first submitted on `spent_day`, in days since the epoch; kept where its days have a budget. */
  spent_before: Flagless<MicroCredits>;
  spent_day: Flagless<number>;
  /** Bytes of the inputs of its jobs that have not ended, and of its files. */
  input_bytes: Flagless<number>;
  file_bytes: Flagless<number>;
}

interface ApiKeyTable {
  id: string;
  /** hex SHA-256 of the key: the key itself is shown once and kept nowhere. */
  hash: string;
  account_id: number;
  name: string | null;
  /** Space-separated. */
  scopes: string;
  /** Limits of the configuration that it has; the default ones where it names none. */
  tier: Flagless<string | null>;
  /** The highest priority that it may ask for; 0 where none is given. */
  max_priority: Flagless<number | null>;
  created_at: Time;
  expires_at: Time | null;
  revoked_at: Time | null;
}

/** Virtual time of start-time fair queueing, one for each model and priority. */
interface FairClockTable {
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
interface FairShareTable {
  /** `CLOCK/ACCOUNT` */
  id: string;
  clock_id: number;
  account_id: number;
  next_rank: number;
}

/** Jobs that the same miners can run: counted here, so that nobody has to count them. */
interface QueueTable {
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

interface JobTable {
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
  role: Flagless<'ordinary' | 'replicated' | 'run' | 'check'>;
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
interface JobInputTable {
  job_id: string;
  /** The text that prompt_hash is for: the prompt, or else canonical JSON. */
  prompt: string;
  kind: Flagless<'prompt' | 'chat' | 'embedding'>;
  /** Of it, what an engine takes as the client wrote it: tools and the form of the answer. */
  own: Flagless<Json | null>;
  params: Json;
  metadata: Json | null;
}

interface JobOutputTable {
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
interface JobStreamTable {
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

interface JobChunkTable {
  /** `JOB/RUN/INDEX`, the numbers padded so that they sort. */
  id: string;
  text: string;
  kind: Flagless<'text' | 'reasoning'>;
}

interface MinerTable {
  id: string;
  owner_id: number;
  payee_id: number;
  capabilities: Json;
  /** What its models can do, by name, as far as it told. */
  abilities: Flagless<Json | null>;
  gpu_info: Json | null;
  vram_gb: number | null;
  region: string | null;
  concurrency: number | null;
  public_key: string | null;
  /** Of the process that has the id: grows when another one takes it. */
  epoch: Flagless<number>;
  /** What that process chose to be known by; null where it chose nothing. */
  session: Flagless<string | null>;
  /** 1: a process that held the private key registered it, so that others must prove that they hold it, too. */
  key_proven: Flagless<number>;
  /** Models that its engine has in memory, as it last said; null when it never did. */
  loaded: Flagless<Json | null>;
  status: 'online' | 'draining' | 'offline' | 'removed';
  /** Who runs it: its owner, or where that has no key, who is paid. */
  operator_id: number;
  /** Since when it gets no jobs for its operator's reputation: as of its operator's `standing`. */
  suspended_at: Flagless<Time | null>;
  /** 1: its operator is on probation. */
  probation: Flagless<number>;
  /** 1: no new jobs until it registers again, also when it has been offline in between. */
  draining: Flagless<number>;
  running: number;
  completed: number;
  failed: number;
  registered_at: Time;
  last_seen_at: Time;
}

/** What is known of who runs miners, whatever ids these have. */
interface StandingTable {
  /** The operator's account. */
  id: number;
  /** What became of runs, less by half after each half-life, as of `weighed_at`. */
  successes: number;
  failures: number;
  timeouts: number;
  /** Of runs whose result was compared with others'. */
  agreements: number;
  disagreements: number;
  weighed_at: Time;
  /** Since when it gets no jobs. */
  suspended_at: Flagless<Time | null>;
  /** Jobs that it has yet to complete one at a time, each compared with another owner's; 0 without probation. */
  probation: Flagless<number>;
  /** Of its last results that were compared with those of two others, how many there were, and how many began like neither. */
  compared: Flagless<number>;
  alone: Flagless<number>;
}

/** Failures of an operator's miners in jobs of one account, or of one model. */
interface BlameTable {
  /** `OPERATOR/account/ACCOUNT` or `OPERATOR/model/MODEL` */
  id: string;
  /** Less by half after each half-life, as of `weighed_at`. */
  weight: number;
  weighed_at: Time;
}

/** How fast a miner runs a model, smoothed over its jobs. */
interface ModelSpeedTable {
  /** `MINER/MODEL` */
  id: string;
  miner_id: string;
  model: string;
  /** From claim to the first chunk, of jobs that stream. */
  first_token_ms: number | null;
  /** Of the answer, over the whole run. */
  tokens_per_second: number | null;
  measured_at: Time;
}

/** A signed statement that moves credits, at its place in the log. */
interface EntryTable {
  /** Counted from 0, without a gap. Below 0 in the ledgers that were before a restore, in their order. */
  leaf_index: number;
  /** The statement's own: of a receipt or of a grant. */
  id: string;
  type: 'receipt' | 'grant' | 'restore' | 'opening';
  job_id: string | null;
  /** Nobody pays for a grant. 0, which is nobody either, for an opening: the list of grants goes by null. */
  payer_id: number | null;
  /** 0 for a restore, which is of no account. */
  payee_id: number;
  amount: MicroCredits;
  /** The leaf hash of the body (RFC 6962), hex. */
  hash: string;
  /** Length of the body. */
  bytes: number;
  /** The whole signed statement as canonical JSON. */
  body: Json;
  created_at: Time;
}

/** The state of the log, one row. */
interface TreeTable {
  id: number;
  /** Entries that have their place. */
  entries: number;
  /** Of them, those that the tiles have, with the root over them in hex and their bytes. */
  size: number;
  root: string;
  bytes: number;
}

/** A tile of the tree (C2SP tlog-tiles): up to 256 hashes of complete subtrees. */
interface TileTable {
  /** `LEVEL/INDEX` */
  id: string;
  /** base64 */
  hashes: string;
}

/** Finds entries by their hashes; those that the tiles have. */
interface EntryHashTable {
  /** hex */
  hash: string;
  leaf_index: number;
}

/** A tree that was published: a block of the explorer. */
interface CheckpointTable {
  height: number;
  size: number;
  /** hex */
  root: string;
  /** hex SHA-256 of the text that is signed. */
  hash: string;
  parent_hash: string | null;
  /** With all signatures. */
  note: string;
  /** As the log's own cosignature says: full seconds. */
  signed_at: Time;
  published_at: Time;
  /** Of all entries up to its size. */
  bytes: number;
}

/** What was accounted for in an hour. */
interface ActivityTable {
  /** Its beginning. */
  hour: Time;
  receipts: number;
  amount: MicroCredits;
}

interface CounterTable {
  name: string;
  value: number;
}

interface IdempotencyTable {
  /** `ACCOUNT/KEY` */
  id: string;
  request_hash: string;
  /** Ids of what the first request made: of jobs, or of a grant. */
  job_ids: Json;
  expires_at: Time;
}

interface SigningKeyTable {
  key_id: string;
  created_at: Time;
  retired_at: Time | null;
}

/** What a client uploaded, or a batch wrote. */
interface FileTable {
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
interface FilePartTable {
  /** `FILE/INDEX`, the number padded so that they sort. */
  id: string;
  text: string;
}

/** A file of requests that is worked off as jobs. */
interface BatchTable {
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

interface SettingTable {
  name: string;
  value: string;
}

export interface Schema {
  account: AccountTable;
  api_key: ApiKeyTable;
  fair_clock: FairClockTable;
  fair_share: FairShareTable;
  queue: QueueTable;
  job: JobTable;
  job_input: JobInputTable;
  job_output: JobOutputTable;
  job_stream: JobStreamTable;
  job_chunk: JobChunkTable;
  miner: MinerTable;
  standing: StandingTable;
  blame: BlameTable;
  model_speed: ModelSpeedTable;
  entry: EntryTable;
  tree: TreeTable;
  tile: TileTable;
  entry_hash: EntryHashTable;
  checkpoint: CheckpointTable;
  activity: ActivityTable;
  counter: CounterTable;
  idempotency: IdempotencyTable;
  signing_key: SigningKeyTable;
  file: FileTable;
  file_part: FilePartTable;
  batch: BatchTable;
  setting: SettingTable;
}

export type Table = keyof Schema;
export type Row<T extends Table> = Selectable<Schema[T]>;
export type NewRow<T extends Table> = Insertable<Schema[T]>;

/** Every table, with the column that is its primary key. */
export const PRIMARY_KEYS = {
  account: 'id',
  api_key: 'id',
  fair_clock: 'id',
  fair_share: 'id',
  queue: 'id',
  job: 'id',
  job_input: 'job_id',
  job_output: 'job_id',
  job_stream: 'job_id',
  job_chunk: 'id',
  miner: 'id',
  standing: 'id',
  blame: 'id',
  model_speed: 'id',
  entry: 'leaf_index',
  tree: 'id',
  tile: 'id',
  entry_hash: 'hash',
  checkpoint: 'height',
  activity: 'hour',
  counter: 'name',
  idempotency: 'id',
  signing_key: 'key_id',
  file: 'id',
  file_part: 'id',
  batch: 'id',
  setting: 'name',
} as const satisfies { readonly [T in Table]: keyof Schema[T] };

export const TABLES = Object.keys(PRIMARY_KEYS) as Table[];

/** Name of the setting that marks a copy as a backup; its value says when it was made (ISO 8601). */
export const BACKUP_OF = 'backup_made_at';

/** Name of the setting that holds it. */
export const COORDINATOR_ID = 'coordinator_id';
