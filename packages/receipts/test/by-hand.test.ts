import { execFile, spawn } from 'node:child_process';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';
import type { Receipt, UnsignedReceipt } from '@aitbc/protocol';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { requirement } from '../../../test/requirement.ts';
import { addressFromPublicKey, signAttestation, verifyReceipt } from '../src/index.ts';
import { COORDINATOR, failed, issue, MINER, STRANGER } from './issued.ts';
import prices from './vectors/prices.json' with { type: 'json' };
import receipts from './vectors/receipts.json' with { type: 'json' };

/*
 * A verifier in Python, written from docs/auditor.md alone, must come to the same findings as this package.
 */

const PYTHON = process.env.PYTHON ?? 'python3';
const PROGRAM = join(import.meta.dirname, 'by_hand.py');
const NEEDED = 'PYTHON must name a Python 3.11 that has rfc8785 and cryptography';

const hasLibraries = async () =>
  await promisify(execFile)(PYTHON, [
    '-c',
    'import sys, rfc8785, cryptography; assert sys.version_info >= (3, 11)',
  ]).then(
    () => true,
    () => false,
  );

/** Runs the Python program and returns the names of the failed checks for each line of JSON. */
async function byHand(lines: readonly string[], keys: readonly string[]): Promise<string[][]> {
  const program = spawn(PYTHON, [PROGRAM, ...keys], { stdio: ['pipe', 'pipe', 'inherit'] });
  program.stdin.end(lines.map(line => `${line}\n`).join(''));
  return (await text(program.stdout))
    .trim()
    .split('\n')
    .map(line => JSON.parse(line));
}

test.each(prices.prices)('the rule of prices: $name', async ({ receipt, adds_up }) => {
  const issued = await issue(receipt as Partial<UnsignedReceipt>);
  const verification = await verifyReceipt(issued, { keys: [COORDINATOR.keyId] });
  expect(failed(verification)).toEqual(adds_up ? [] : expect.arrayContaining(['arithmetic']));
});

test('the rule of prices as Python has it', { timeout: 60_000 }, async context => {
  requirement(context, await hasLibraries(), NEEDED);
  const { stdout } = await promisify(execFile)(PYTHON, [
    PROGRAM,
    '--prices',
    join(import.meta.dirname, 'vectors/prices.json'),
  ]);
  expect(JSON.parse(stdout)).toEqual({ read: prices.prices.length, wrong: [] });
});

test('the vectors of receipts as Python has them', { timeout: 60_000 }, async context => {
  requirement(context, await hasLibraries(), NEEDED);
  const vectors = [
    ...receipts.valid.map(({ receipt }) => ({ receipt, expected: [] as string[] })),
    ...receipts.invalid.map(({ receipt, failed }) => ({ receipt, expected: failed as string[] })),
  ];
  const lines = vectors.map(({ receipt }) => JSON.stringify(receipt));
  expect(await byHand(lines, receipts.keys)).toEqual(vectors.map(({ expected }) => expected));
});

const exact = (numerator: bigint, divisor: bigint) => (2n * numerator + divisor) / (2n * divisor);
const option = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });
/** Rates that often make a price end in half a millionth. */
const microRate = fc.oneof(fc.constantFrom(500, 12_500, 25_500, 1_500, 300), fc.nat(3_000), fc.nat(1e9));

/** Receipts as coordinators issue them, for seconds and for tokens. */
const issued = fc
  .record({
    areTokens: fc.boolean(),
    duration_ms: fc.oneof(fc.nat(5_000), fc.nat(6e8)),
    unbilled_ms: option(fc.nat(1e6)),
    startMs: fc.integer({ min: 1.7e12, max: 2e12 }),
    rate: option(microRate),
    limit: option(fc.oneof(fc.nat(1e6), fc.nat(1e12))),
    tokens: fc.tuple(option(fc.nat(1e5)), option(fc.nat(1e5))),
    tokenLimit: option(fc.nat(1e5)),
    more: fc.dictionary(fc.constantFrom('note', 'a.b', 'Z', '~'), fc.constantFrom(0.000001, -2.5, 'x', null)),
  })
  .map(({ areTokens, duration_ms, unbilled_ms, startMs, rate, limit, tokens, tokenLimit, more }) => {
    const [prompt_tokens = 0, completion_tokens = 0] = tokens;
    const count = areTokens
      ? Math.min(prompt_tokens + completion_tokens, tokenLimit ?? Infinity)
      : duration_ms;
    const full = rate === undefined ? 0n : exact(BigInt(count) * BigInt(rate), 1000n);
    const due = limit !== undefined && BigInt(limit) < full ? BigInt(limit) : full;
    const metadata = {
      ...more,
      ...(rate !== undefined && { [areTokens ? 'rate_per_1000' : 'rate']: rate / 1e6 }),
      ...(limit !== undefined && { max_price: limit / 1e6 }),
      ...(tokenLimit !== undefined && { token_limit: tokenLimit }),
      ...(unbilled_ms !== undefined && { unbilled_ms }),
      usage: JSON.parse(JSON.stringify({ prompt_tokens: tokens[0], completion_tokens: tokens[1] })),
    };
    return {
      unit_type: areTokens ? 'token' : 'gpu_second',
      units: areTokens ? count : count / 1000,
      price: Number(due) / 1e6,
      duration_ms,
      started_at: Math.floor(startMs / 1000),
      completed_at: Math.floor((startMs + duration_ms + (unbilled_ms ?? 0)) / 1000),
      metadata,
    };
  });

/** Changes that somebody could make to a receipt before or after it is signed. */
const spoiled = fc.constantFrom<Record<string, unknown>>(
  ...[{ price: 0.000001 }, { units: 1.5 }, { duration_ms: 7 }, { completed_at: 1_700_000_000 }],
  ...[{ price: 0.1234567 }, { model: 'modèle' }, { version: '2.0' }, { units: -1 }, { type: 'grant' }],
  ...[{ provider: 'ait1x' }, { prompt_hash: 'F'.repeat(64) }, { started_at: 1.5 }, { metadata: {} }],
  ...[{ metadata: { rate: '1' } }, { metadata: { usage: { prompt_tokens: 1e300 } } }, { nonce: null }],
);

async function sign(fields: Partial<UnsignedReceipt>, isAttested: boolean): Promise<Receipt> {
  const receipt = await issue(fields);
  if (!isAttested) return receipt;
  const metadata = { ...receipt.metadata, signatures: [await signAttestation(receipt, MINER)] };
  const provider = addressFromPublicKey(MINER.keyId);
  return await issue({ ...fields, provider, metadata });
}

test('generated receipts as Python has them', { timeout: 120_000 }, async context => {
  requirement(context, await hasLibraries(), NEEDED);
  const keys = [STRANGER.keyId, COORDINATOR.keyId];
  const drawn = fc.sample(fc.tuple(issued, fc.boolean(), option(spoiled), fc.boolean()), {
    numRuns: Number(process.env.AITBC_RECEIPTS ?? 1_000),
    seed: 9,
  });
  const made = await Promise.all(
    drawn.map(async ([fields, isAttested, spoil, isSpoiledFirst], index) => {
      // Every third receipt stays unchanged.
      const changes = index % 3 === 0 ? undefined : spoil;
      if (!changes) return await sign(fields, isAttested);
      if (isSpoiledFirst) return await sign({ ...fields, ...changes } as Partial<UnsignedReceipt>, false);
      return { ...(await sign(fields, isAttested)), ...changes };
    }),
  );
  const expected = await Promise.all(
    made.map(async receipt => failed(await verifyReceipt(receipt, { keys }))),
  );
  const found = await byHand(
    made.map(receipt => JSON.stringify(receipt)),
    keys,
  );
  const differing = made.flatMap((receipt, index) =>
    String(found[index]) === String(expected[index])
      ? []
      : [{ receipt, ts: expected[index], python: found[index] }],
  );
  expect(differing.slice(0, 3)).toEqual([]);
  expect(found).toHaveLength(made.length);
  const right = expected.filter(names => names.length === 0).length;
  expect(right).toBeGreaterThan(made.length / 4);
  expect(made.length - right).toBeGreaterThan(made.length / 4);
});
