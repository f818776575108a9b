import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { flagOf, OPTIONS } from '@aitbc/coordinator';
import { LIMITS } from '@aitbc/protocol';
import { expect, test } from 'vitest';

const DOCS = join(import.meta.dirname, '../docs');

const COMMAND = 'npx vitest run test/docs-tables.test.ts --update';

/** The guide with its table as the code has it, which is what the command writes into the file. */
function withTable(guide: string, name: string, table: string): string {
  const text = readFileSync(join(DOCS, guide), 'utf8');
  const [start, end] = [`<!-- ${name}: written by ${COMMAND} -->\n`, `<!-- /${name} -->`];
  const [before, rest = ''] = text.split(start);
  const [, after] = rest.split(end);
  if (after === undefined) throw new Error(`${guide} has no place for the ${name}: ${start}${end}`);
  return `${before}${start}\n${table}\n${end}${after}`;
}

/** Columns padded, as Markdown is formatted here. */
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
  pageSize: 'items on a page, at most',
  defaultPageSize: 'items on a page, unless `limit` says otherwise',
  modelLength: 'characters of a model’s name, printable ASCII without spaces',
  minerIdLength: 'characters of a miner’s id',
  capabilities: 'models of one miner',
  claimMax: 'jobs that a miner claims at once, or registers as its concurrency',
  waitSeconds: 'seconds in a `wait`, of which a coordinator grants what its operator says',
  chunks: 'chunks that a miner posts in one request',
  chunkIndex: '`first`: the index of a chunk within the text of an attempt',
  messages: 'messages of one job',
  tools: 'tools of one job, and calls of tools in one message',
  callIdLength: 'characters of the id of a call of a tool',
  embeddingInputs: 'texts to embed in one job',
  inputTokens: 'tokens of one text to embed, where it is given as tokens',
  prompts: 'prompts in one request to `/v1/completions`',
  tokens: 'tokens in `max_tokens`, `min_context`, a context length or a count of usage',
  choices: '`n` of one request at the gateway',
  topLogprobs: '`top_logprobs`',
  seed: '`seed`, above 0 or below',
  engineCodeLength: 'characters of an engine’s error code',
  retryAfterSeconds: 'seconds in `retry_after` of a failure that a miner reports',
  priority: '`priority`',
  attempts: '`max_attempts`',
  replication: '`replication`: owners whose miners run a job',
  ttlSeconds: '`ttl_seconds` (30 days)',
  price: 'credits in `max_price`, or of one grant',
  vramGb: 'GB in `min_vram_gb` or in `gpu_info.memory`',
  idempotencyKeyLength: 'characters of an idempotency key',
  metadataKeys: 'fields of `metadata`',
  errorLength: 'characters of the error that a miner reports',
  grantReasonLength: 'characters of the reason of a grant, printable ASCII',
  fileNameLength: 'characters of the name of a file',
  fileRequests: 'requests in the file of a batch',
  customIdLength: 'characters of a `custom_id`',
  batchErrors: 'errors that are told of a batch’s file',
};

function limitsTable(): string {
  const rows = Object.entries(LIMITS).map(([name, limit]) => [
    LIMIT_WORDS[name as keyof typeof LIMITS],
    typeof limit === 'number' ? grouped(limit) : `${grouped(limit.min)} to ${grouped(limit.max)}`,
  ]);
  return markdownTable([['what', 'limit'], ...rows]);
}

const grouped = (value: number) => value.toLocaleString('en');

test.for([
  ['operator.md', 'options', optionsTable],
  ['application-developer.md', 'limits', limitsTable],
] as const)('%s has the %s of the code', async ([guide, name, table]) => {
  await expect(withTable(guide, name, table())).toMatchFileSnapshot(join(DOCS, guide));
});
