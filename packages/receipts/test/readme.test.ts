import { readFileSync } from 'node:fs';
import { beforeAll, expect, test } from 'vitest';
import * as receipts from '../src/index.ts';
import { withCoordinator } from './coordinator.ts';

const README = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
const samples = Array.from(README.matchAll(/```ts\n(.*?)```/gs), match => match[1] ?? '');

const coordinator = withCoordinator();
beforeAll(async () => {
  await coordinator.runJob('Hello!', 'Good day!');
});

/** Runs a sample against the coordinator of this file, and tells what it printed. */
async function run(sample: string): Promise<unknown[][]> {
  const body = sample
    .replace(/import (\{.*?\}) from '@aitbc\/receipts';/s, 'const $1 = receipts;')
    .replaceAll('http://127.0.0.1:8000', coordinator.url);
  const printed: unknown[][] = [];
  const console = { log: (...values: unknown[]) => printed.push(values) };
  const AsyncFunction = (async () => {}).constructor as FunctionConstructor;
  await AsyncFunction('receipts', 'console', body)(receipts, console);
  return printed;
}

test.each([
  [
    'the first sample',
    'v1/receipts?limit=1',
    [[true], ...receipts.RECEIPT_CHECKS.map(name => ['✓', name, expect.any(String)])],
  ],
  [
    'the sample of a disclosure',
    'verifyDisclosure',
    [[{ prompt: true, result: null }], [{ prompt: false, result: true }]],
  ],
  ['the sample of a miner', 'signAttestation', [[true]]],
  ['the sample of issuing', 'await signReceipt', [[true], [false]]],
  [
    'the sample of an entry',
    'parseCanonicalJson',
    [[{ price: 0.025, units: 2.5 }], [expect.stringContaining('from position 2 on')]],
  ],
])('%s does what it says', async (_, mark, expected) => {
  const sample = samples.find(sample => sample.includes(mark)) ?? '';
  expect(await run(sample)).toEqual(expected);
});

test('no sample goes untested', () => {
  expect(samples).toHaveLength(5);
});

test('every check of a receipt is explained', () => {
  const explained = Array.from(README.matchAll(/^\| `(\w+)`/gm), match => match[1]);
  expect(explained).toEqual([...receipts.RECEIPT_CHECKS]);
});
