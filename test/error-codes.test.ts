import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ERROR_STATUS, type ErrorCode } from '@aitbc/protocol';
import { expect, test } from 'vitest';

const ROOT = join(import.meta.dirname, '..');
const DOCUMENT = readFileSync(join(ROOT, 'docs/application-developer.md'), 'utf8');

/** Codes of the contract for features that the coordinator does not have yet. */
const RESERVED: readonly ErrorCode[] = ['SYSTEM_UPSTREAM_ERROR'];

/** Matches errors that are thrown with a code and a detail, or answered as an object with both. */
const THROWN = [
  /\b(?:fail|refused|refuse|failed|errorOf|rejected|quota)\(\s*\n?\s*'([A-Z][A-Z_]+)'/g,
  /\bcode: '([A-Z][A-Z_]+)'/g,
];

const sourcesOf = (name: string) => {
  const folder = join(ROOT, 'packages', name, 'src');
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map(file => join(folder, file))
    .filter(file => file.endsWith('.ts') && !file.endsWith('protocol/src/errors.ts'))
    .map(file => readFileSync(file, 'utf8'));
};

/** The codes in the table of errors, with their status. */
const documented = new Map(
  DOCUMENT.split('<!-- errors:')[1]
    ?.split('<!-- /errors -->')[0]
    ?.matchAll(/^\| `([A-Z_]+)` +\| (\d{3}) /gm)
    .map(([, code = '', status]) => [code, Number(status)] as const),
);

/** Codes of Node's errors, of its parser and of the databases. */
const isForeign = (code: string) => !code.includes('_') || /^(ERR|HPE|SQLITE|FST)_/.test(code);

test('Every code that the coordinator throws is documented, with its status', () => {
  const text = sourcesOf('coordinator').join('\n');
  const thrown = new Set(THROWN.flatMap(pattern => [...text.matchAll(pattern)].map(([, code = '']) => code)));
  const ours = [...thrown].filter(code => !isForeign(code));
  expect(ours.length).toBeGreaterThan(30);
  // Codes of failed jobs are not answers to requests, so they are elsewhere in the guide.
  expect(ours.filter(code => !documented.has(code) && !DOCUMENT.includes(`\`${code}\``))).toEqual([]);
  expect(Object.fromEntries(documented)).toEqual(ERROR_STATUS);
});

test('Every code that is documented is used, but for those that the contract reserves', () => {
  const text = sourcesOf('coordinator').join('\n');
  const unused = Object.keys(ERROR_STATUS).filter(code => !text.includes(`'${code}'`));
  expect(unused.sort()).toEqual(RESERVED);
});

test('What the contract reserves is said to be so', () => {
  for (const code of RESERVED) expect(DOCUMENT).toMatch(new RegExp(`\`${code}\`.*reserved`));
});

test('All codes of the contract are there', () => {
  const FIRST = [
    'AUTH_MISSING_KEY AUTH_INVALID_KEY AUTH_EXPIRED_KEY AUTH_INSUFFICIENT_SCOPE JOB_NOT_FOUND JOB_ALREADY_CLAIMED',
    'JOB_ALREADY_COMPLETED JOB_ALREADY_CANCELLED JOB_EXPIRED JOB_INVALID_STATUS JOB_NOT_LEASED MINER_NOT_FOUND',
    'MINER_ALREADY_REGISTERED MINER_CAPACITY_FULL RECEIPT_NOT_FOUND RECEIPT_INVALID_SIGNATURE BLOCK_NOT_FOUND',
    'TRANSACTION_NOT_FOUND WEBHOOK_NOT_FOUND VALIDATION_MISSING_FIELD VALIDATION_INVALID_TYPE VALIDATION_OUT_OF_RANGE',
    'VALIDATION_INVALID_FORMAT VALIDATION_PROMPT_TOO_LONG VALIDATION_INVALID_MODEL IDEMPOTENCY_KEY_REUSED',
    'RATE_LIMIT_EXCEEDED RATE_QUOTA_EXCEEDED PAYMENT_INSUFFICIENT_BALANCE SYSTEM_INTERNAL_ERROR SYSTEM_MAINTENANCE',
    'SYSTEM_OVERLOADED SYSTEM_UPSTREAM_ERROR ROUTE_NOT_FOUND PAYLOAD_TOO_LARGE UNSUPPORTED_MEDIA_TYPE',
  ];
  for (const code of FIRST.join(' ').split(' ')) expect(ERROR_STATUS).toHaveProperty(code);
});
