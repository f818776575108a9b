import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { flagOf, OPTIONS } from '@aitbc/coordinator';
import { ERROR_STATUS, type ErrorCode, LIMITS } from '@aitbc/protocol';
import { expect, test } from 'vitest';
import { METRICS, type MetricDescription } from '../packages/coordinator/src/metrics/catalogue.ts';

const DOCS = join(import.meta.dirname, '../docs');

const COMMAND = 'npx vitest run test/docs-tables.test.ts --update';

/** Returns the guide with its table generated from the code. With `-u` this is written to the file. */
function withTable(guide: string, name: string, table: string): string {
  const text = readFileSync(join(DOCS, guide), 'utf8');
  const [start, end] = [`<!-- ${name}: written by ${COMMAND} -->\n`, `<!-- /${name} -->`];
  const [before, rest = ''] = text.split(start);
  const [, after] = rest.split(end);
  if (after === undefined) throw new Error(`${guide} has no place for the ${name}: ${start}${end}`);
  return `${before}${start}\n${table}\n${end}${after}`;
}

/** Pads columns like Biome formats Markdown. */
function markdownTable([head = [], ...rows]: readonly (readonly string[])[]): string {
  const widths = head.map((_, column) => Math.max(...[head, ...rows].map(row => row[column]?.length ?? 0)));
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |\n`;
  return [line(head), line(widths.map(width => '-'.repeat(width))), ...rows.map(line)].join('');
}

interface Described {
  default: unknown;
  about: string;
  unit?: string;
  minimum?: number;
  maximum?: number;
  choices?: readonly string[];
}

function optionsTable(): string {
  const rows = Object.entries(OPTIONS).map(([name, option]: [string, Described]) => [
    `\`${flagOf(name)}\``,
    option.about,
    defaultOf(option.default, option.unit),
    allowedIn(option),
  ]);
  return markdownTable([['option', 'what it is', 'unless given', 'allowed'], ...rows]);
}

function defaultOf(value: unknown, unit: string | undefined): string {
  if (value === undefined || typeof value === 'object') return '';
  if (value === false) return 'off';
  return unit === 'BYTES' ? `${value} (${binary(Number(value))})` : `${value}`;
}

const binary = (bytes: number) => (bytes < 1024 ** 2 ? `${bytes / 1024} KiB` : `${bytes / 1024 ** 2} MiB`);

function allowedIn({ unit, minimum, maximum, choices }: Described): string {
  if (choices) return choices.join(', ');
  if (minimum === undefined) return '';
  const ofWhat = unit && unit !== 'NUMBER' && unit !== 'PORT' ? ` ${unit.toLowerCase()}` : '';
  return `${minimum} to ${maximum}${ofWhat}`;
}

const LIMIT_WORDS: Record<keyof typeof LIMITS, string> = {
  batchJobs: 'jobs in one batch',
  pageSize: 'items on a page',
  defaultPageSize: 'items on a page when the request has no `limit`',
  jsonParts: 'objects, arrays and members of objects in one JSON body',
  jsonValues: 'values in one JSON body, including those in arrays',
  modelLength: 'characters of a model’s name, printable ASCII without spaces',
  minerIdLength: 'characters of a miner’s id',
  epoch: '`epoch` of a miner',
  sessionLength: 'characters of a miner’s `session`, which has at least 16',
  capabilities: 'models of one miner',
  passportTextLength: 'characters of a text in a passport, printable ASCII',
  quantizationLength: 'characters of the name of a quantization',
  passportsPerDay: 'new passports that one owner registers within 24 hours',
  modelPassports: 'passports that lists of models show of one model, those of most miners',
  claimMax: 'jobs that a miner claims at once, or registers as its concurrency',
  waitSeconds: 'seconds in a `wait`; the operator may allow fewer',
  chunks: 'chunks that a miner posts in one request',
  chunkIndex: '`first`: the index of a chunk within the text of an attempt',
  messages: 'messages of one job',
  tools: 'tools of one job, and tool calls in one message',
  callIdLength: 'characters of the id of a tool call',
  embeddingInputs: 'texts to embed in one job',
  inputTokens: 'tokens of one text to embed, if it is given as tokens',
  prompts: 'prompts in one request to `/v1/completions`',
  tokens: 'tokens in `max_tokens`, in `min_context`, in a context length or in a count of `usage`',
  choices: '`n` of one request at the gateway',
  topLogprobs: '`top_logprobs`',
  seed: '`seed`, positive or negative',
  engineCodeLength: 'characters of an engine’s error code',
  retryAfterSeconds: 'seconds in `retry_after` of a failure that a miner reports',
  fallbackModels: 'models in `models` of one job',
  chosenMiners: 'names in one list of `constraints.miners` or `constraints.owners`',
  priority: '`priority`',
  attempts: '`max_attempts`',
  replication: '`replication`: owners whose miners run a job',
  ttlSeconds: '`ttl_seconds` (30 days)',
  price: 'credits in `max_price`, or of one grant',
  gpuInfoBytes: 'bytes of `gpu_info` as JSON',
  vramGb: 'GB in `min_vram_gb` or in `gpu_info.memory`',
  idempotencyKeyLength: 'characters of an idempotency key',
  metadataKeys: 'fields of `metadata`',
  errorLength: 'characters of the error that a miner reports',
  verificationTokens: 'tokens of an answer that a verifier scores',
  nats: 'nats in each number of a scored token, positive or negative',
  verifierWeights: 'digests of weights that a verifier names',
  engineNameLength: 'characters of the name of a verifier’s engine, or of its build',
  keyNameLength: 'characters of the name of an API key',
  allowedModels: 'models in `allowed_models` of an API key',
  keysPerAccount: 'API keys of one account that are not revoked, made over HTTP',
  keyValidSeconds: '`key_valid_seconds` of an invitation',
  invitationUses: '`uses` of an invitation',
  invitationSeconds: '`valid_seconds` of an invitation',
  oldSecretSeconds: 'seconds that an old secret stays valid after a rotation (30 days)',
  reportPageSize: 'items on a page of usage, earnings or the audit log, at most',
  reportDays: 'days in one report of usage or earnings',
  notices: 'notices to miners',
  noticeLength: 'characters of a notice',
  noticeSeconds: '`valid_seconds` of a notice (30 days)',
  grantReasonLength: 'characters of the reason of a grant, printable ASCII',
  payoutMethodLength: 'characters of the method of a payout, printable ASCII',
  payoutReferenceLength: 'characters of the reference of a payout, printable ASCII',
  payoutReasonLength: 'characters of the reason why a payout is disputed or withdrawn, printable ASCII',
  fileNameLength: 'characters of the name of a file',
  fileRequests: 'requests in the file of a batch',
  customIdLength: 'characters of a `custom_id`',
  batchErrors: 'errors that are reported for a batch’s file',
  webhookUrlLength: 'characters of a webhook’s URL',
  webhookDescriptionLength: 'characters of a webhook’s description',
};

function limitsTable(): string {
  const rows = Object.entries(LIMITS).map(([name, limit]) => [
    LIMIT_WORDS[name as keyof typeof LIMITS],
    typeof limit === 'number' ? grouped(limit) : `${grouped(limit.min)} to ${grouped(limit.max)}`,
  ]);
  return markdownTable([['what', 'limit'], ...rows]);
}

const grouped = (value: number) => value.toLocaleString('en');

const WHEN: Record<ErrorCode, string> = {
  AUTH_MISSING_KEY: 'the route needs a key, and the request has none',
  AUTH_INVALID_KEY: 'the key is unknown or revoked',
  AUTH_EXPIRED_KEY: 'the key has expired',
  AUTH_INSUFFICIENT_SCOPE: 'the key does not have the scope that the route needs',
  MODEL_NOT_ALLOWED: 'the key may not use this model',
  NOTICE_NOT_FOUND: 'there is no such notice',
  NOTICE_LIMIT_REACHED: 'there are as many notices as there may be: delete one',
  API_KEY_NOT_FOUND: 'no such API key of yours that is not revoked',
  INVITATION_NOT_FOUND: 'no such invitation',
  INVITATION_ENDED: 'the invitation was used up or revoked, or has expired',
  API_KEY_LIMIT_REACHED: 'the account has as many API keys as it may',
  ACCOUNT_NOT_FOUND: 'no such address',
  JOB_NOT_FOUND: 'no such job, or another client’s',
  JOB_ALREADY_CLAIMED: 'another miner holds the job',
  JOB_ALREADY_COMPLETED: 'the job has a result already',
  JOB_ALREADY_CANCELLED: 'the job was cancelled',
  JOB_EXPIRED: 'the job’s time to live is over',
  JOB_INVALID_STATUS: 'the job’s status does not allow it',
  JOB_NOT_LEASED: 'the miner does not hold the job, or no longer holds it',
  MINER_NOT_FOUND: 'no such miner, or another owner’s: register it',
  MINER_ALREADY_REGISTERED: 'the miner id belongs to another owner, or to another key',
  MINER_CAPACITY_FULL: 'the miner runs as many jobs as it registered for, or is draining',
  MINER_SUPERSEDED: 'another process has registered this miner id since, so this one should end',
  MINER_SUSPENDED: 'the miner’s reputation is too low',
  RECEIPT_NOT_FOUND: 'no such receipt, or the job has none',
  RECEIPT_INVALID_SIGNATURE: 'a miner’s signature is missing or does not fit',
  BLOCK_NOT_FOUND: 'no such block',
  TRANSACTION_NOT_FOUND: 'no such transaction',
  PAYOUT_NOT_FOUND: 'no such payout, or it is not published yet',
  PAYOUT_TOO_LARGE: 'the account has not so many credits to be paid out',
  PAYOUT_INVALID_STATUS:
    'a payout that is confirmed or withdrawn does not change, and none is disputed twice',
  PAYOUT_INVALID_SIGNATURE: 'it does not fit the answer, or its key is not of the account that was paid',
  VERIFICATION_NOT_FOUND: 'no such verification, or it has not ended or is not published yet',
  VERIFICATION_NOT_LEASED: 'the verifier does not hold the verification, or no longer holds it',
  VERIFICATION_NOT_APPEALABLE:
    'the verification accuses nobody, is another owner’s, or was appealed against before',
  WEBHOOK_NOT_FOUND: 'no such webhook or delivery, or another account’s',
  WEBHOOK_ADDRESS_REFUSED: 'deliveries must not be sent to that address, or its name has none',
  WEBHOOK_LIMIT_EXCEEDED: 'the account has as many webhooks as it may have',
  FILE_NOT_FOUND: 'no such file, or another client’s',
  BATCH_NOT_FOUND: 'no such batch, or another client’s',
  BATCH_INVALID_STATUS: 'the batch’s status does not allow it',
  VALIDATION_MISSING_FIELD: 'a field is missing',
  VALIDATION_INVALID_TYPE: 'a field has the wrong type',
  VALIDATION_OUT_OF_RANGE: 'a number, a text or a list is too small or too large',
  VALIDATION_INVALID_FORMAT: 'a field does not have the required format, or the body is not JSON',
  VALIDATION_UNKNOWN_FIELD: 'the request has a field that does not exist; it may be misspelled',
  VALIDATION_PROMPT_TOO_LONG: 'the prompt is longer than this coordinator accepts',
  VALIDATION_INVALID_MODEL: 'the text cannot be the name of a model',
  IDEMPOTENCY_KEY_REUSED: 'the same idempotency key came with another body',
  RATE_LIMIT_EXCEEDED: 'too many requests: wait for `Retry-After` seconds',
  RATE_QUOTA_EXCEEDED: 'a quota is used up, such as an owner’s number of miners',
  PAYMENT_INSUFFICIENT_BALANCE: 'the balance does not cover the job',
  PAYMENT_TOTAL_BUDGET_EXCEEDED: 'the jobs may cost more than is left of the budget of the key',
  PAYMENT_DAILY_BUDGET_EXCEEDED: 'the same, for its budget of this day',
  PAYMENT_MONTHLY_BUDGET_EXCEEDED: 'the same, for its budget of this month',
  STORAGE_QUOTA_EXCEEDED: 'the account’s files and job inputs take too much space: delete files, or wait',
  SYSTEM_INTERNAL_ERROR: 'the coordinator has a fault',
  SYSTEM_MAINTENANCE: 'the coordinator is stopping',
  SYSTEM_OVERLOADED: 'the coordinator or its database cannot keep up',
  SYSTEM_UPSTREAM_ERROR: 'reserved: a service that the coordinator depends on failed',
  ROUTE_NOT_FOUND: 'there is no such route',
  METHOD_NOT_ALLOWED: 'the route does not have this method: the header `Allow` lists those that it has',
  HOST_NOT_ALLOWED: 'without keys: the request names a host that is not the coordinator’s',
  ORIGIN_NOT_ALLOWED: 'without keys: a page of another site sent the request',
  REQUEST_TIMEOUT: 'the request did not arrive in time',
  HEADERS_TOO_LARGE: 'the headers are too large',
  PAYLOAD_TOO_LARGE: 'the body is too large',
  UNSUPPORTED_MEDIA_TYPE: 'the route does not accept bodies of this type',
};

function errorsTable(): string {
  const rows = Object.entries(ERROR_STATUS)
    .map(([code, status]) => [`\`${code}\``, `${status}`, WHEN[code as ErrorCode]])
    .sort(([a = ''], [b = '']) => a.localeCompare(b));
  return markdownTable([['code', 'status', 'when'], ...rows]);
}

function metricsTable(): string {
  const rows = Object.values<MetricDescription>(METRICS).map(({ name, kind, help, labels }) => [
    `\`${name}\``,
    kind,
    labels.map(label => `\`${label}\``).join(', '),
    help,
  ]);
  return markdownTable([['metric', 'type', 'labels', 'what it is'], ...rows]);
}

test.for([
  ['operator.md', 'metrics', metricsTable],
  ['operator.md', 'options', optionsTable],
  ['application-developer.md', 'errors', errorsTable],
  ['application-developer.md', 'limits', limitsTable],
] as const)('%s has the %s of the code', async ([guide, name, table]) => {
  await expect(withTable(guide, name, table())).toMatchFileSnapshot(join(DOCS, guide));
});
