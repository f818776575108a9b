/** What a metric is called, what it counts or measures, and by which labels. Labels have few values, whoever chooses them. */
export interface MetricDescription {
  kind: 'counter' | 'gauge' | 'histogram';
  name: string;
  help: string;
  labels: readonly string[];
  /** Upper bounds of a histogram's buckets. */
  buckets?: readonly number[];
}

const counter = (name: string, help: string, labels: readonly string[] = []) => ({
  ...{ kind: 'counter' as const, name, help, labels },
});

const gauge = (name: string, help: string, labels: readonly string[] = []) => ({
  ...{ kind: 'gauge' as const, name, help, labels },
});

const histogram = (
  name: string,
  help: string,
  buckets: readonly number[],
  labels: readonly string[] = [],
) => ({ kind: 'histogram' as const, name, help, labels, buckets });

/** The models that have a label of their own. All others share the label `other`. */
export const MODEL_LABELS = 50;

const FAST = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
const SLOW = [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 900, 3600];
/** The buckets that OpenTelemetry recommends for these metrics of generative AI. */
const GENERATION = [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92];
const FIRST_TOKEN = [0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 30];
const TOKENS = [1, 4, 16, 64, 256, 1024, 4096, 16_384, 65_536, 262_144, 1_048_576];
const PER_TOKEN = [
  0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5,
];

const MODEL = 'gen_ai_request_model';

/**
 * All metrics of the coordinator. Those that begin with `gen_ai` are OpenTelemetry's metrics of generative AI, as
 * Prometheus spells them.
 */
export const METRICS = {
  build: gauge('aitbc_build_info', 'Is 1, with the version and the database engine of this coordinator', [
    'version',
    'engine',
  ]),
  ready: gauge('aitbc_component_ready', 'Whether this part of the coordinator works (1) or not (0)', [
    'component',
  ]),
  collectorFailed: gauge(
    'aitbc_scrape_collector_failed',
    'Whether this group of values could not be read for this scrape (1), so that they are missing in it',
    ['collector'],
  ),

  requestSeconds: histogram(
    'aitbc_http_request_duration_seconds',
    'Time from a request to the end of its answer, by the pattern of the route and the class of the status; `aborted` where the caller left before an answer. Includes the time of long polls and streams',
    FAST,
    ['method', 'route', 'status'],
  ),
  requestsInFlight: gauge('aitbc_http_requests_in_flight', 'Requests that are not fully answered yet'),
  rejections: counter(
    'aitbc_limit_rejections_total',
    'Requests that a rate limit, a quota or the protection from overload rejected, by the limit',
    ['limit'],
  ),

  queueDepth: gauge('aitbc_queue_depth', 'Jobs that wait for a miner, by model', ['model']),
  queueOldest: gauge(
    'aitbc_queue_oldest_seconds',
    'Age of the oldest job that waits for a miner, by model, among the next 100 jobs of each queue',
    ['model'],
  ),
  miners: gauge('aitbc_miners', 'Miners by state; offline ones as long as their models are remembered', [
    'state',
  ]),
  modelMiners: gauge('aitbc_model_miners', 'Miners by the model that they offer, and by state', [
    'model',
    'state',
  ]),

  submitted: counter('aitbc_jobs_submitted_total', 'Jobs that were submitted'),
  ended: counter('aitbc_jobs_ended_total', 'Jobs that ended, by how they did', ['status']),
  failed: counter(
    'aitbc_jobs_failed_total',
    'Jobs that failed, by the error code and by the class of the failure that a miner reported last',
    ['error_code', 'error_class'],
  ),
  claimWait: histogram(
    'aitbc_job_claim_wait_seconds',
    'Time from the submission of a job to its first claim by a miner, by model',
    SLOW,
    ['model'],
  ),
  retries: counter(
    'aitbc_job_retries_total',
    'Attempts that failed and after which the job was queued again',
  ),
  returns: counter(
    'aitbc_job_returns_total',
    'Attempts that did not count, and after which the job was queued again: handed back, refused or unsupported',
  ),
  leaseExpirations: counter(
    'aitbc_lease_expirations_total',
    'Leases that ran out: `silent` where the miner sent no heartbeat, `deadline` where the job took too long',
    ['reason'],
  ),

  generationSeconds: histogram(
    'gen_ai_server_request_duration_seconds',
    'Time from the claim of a job to its completion, by model',
    GENERATION,
    [MODEL],
  ),
  firstTokenSeconds: histogram(
    'gen_ai_server_time_to_first_token_seconds',
    'Time from the claim of a streamed job to its first text, by model',
    FIRST_TOKEN,
    [MODEL],
  ),
  tokenSeconds: histogram(
    'gen_ai_server_time_per_output_token_seconds',
    'Time for each token after the first one, by model; its inverse is the tokens a second. For jobs without a stream, the time of the whole attempt divided by the tokens',
    PER_TOKEN,
    [MODEL],
  ),
  tokens: histogram(
    'gen_ai_client_token_usage',
    'Tokens of a completed job: `input` is its prompt, `output` is its answer; by model',
    TOKENS,
    [MODEL, 'gen_ai_token_type'],
  ),

  batchWrites: histogram(
    'aitbc_store_batch_size',
    'Writes in one transaction',
    [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024],
  ),
  commitSeconds: histogram(
    'aitbc_store_commit_duration_seconds',
    'Time of one transaction, from its first statement until it is on disk',
    FAST.slice(0, 13),
  ),
  storeErrors: counter(
    'aitbc_store_errors_total',
    'Writes that failed because of the database, by what is wrong with it',
    ['fault'],
  ),
  diskFree: gauge('aitbc_disk_free_bytes', 'Free space on the disk of the data folder'),
  diskSize: gauge('aitbc_disk_size_bytes', 'Size of the disk of the data folder'),

  ledgerEntries: counter('aitbc_ledger_entries_total', 'Entries that were added to the ledger, by type', [
    'type',
  ]),
  credits: counter('aitbc_credits_moved_total', 'Credits that entries of the ledger moved, by type', [
    'type',
  ]),
  ledgerLagEntries: gauge('aitbc_ledger_lag_entries', 'Entries of the ledger that are not published yet'),
  ledgerLag: gauge(
    'aitbc_ledger_lag_seconds',
    'Age of the oldest entry of the ledger that is not published yet',
  ),
  ledgerConflict: gauge(
    'aitbc_ledger_conflict',
    'Is 1 while the ledger in the store contradicts a checkpoint that was signed before, which stops publication',
  ),

  verificationsOpen: gauge(
    'aitbc_verifications_open',
    'Answers that wait for a verifier, or that one is reading',
  ),
  verificationsEnded: counter(
    'aitbc_verifications_ended_total',
    'Verifications that ended, by what was found and by why the answer was read',
    ['judgement', 'cause'],
  ),

  webhookDeliveries: counter(
    'aitbc_webhook_deliveries_total',
    'Tries to deliver to webhooks: `delivered`, or `failed`, after which most are tried again',
    ['outcome'],
  ),
  webhookSeconds: histogram('aitbc_webhook_delivery_duration_seconds', 'Time of one try', FAST),
  webhooksDisabled: counter(
    'aitbc_webhooks_disabled_total',
    'Webhooks that were disabled: `gone` where the server answered 410, `failing` after five days of failures',
    ['reason'],
  ),
  webhooksPending: gauge(
    'aitbc_webhook_deliveries_pending',
    'Deliveries to webhooks that are yet to be made or tried again, up to 100000',
  ),
} as const satisfies Record<string, MetricDescription>;

export type MetricName = keyof typeof METRICS;
