import { readFileSync } from 'node:fs';
import { beforeAll, expect, test } from 'vitest';
import { readSamples, runSample } from '../../../test/samples.ts';
import * as receipts from '../src/index.ts';
import { withCoordinator } from './coordinator.ts';

const README = new URL('../README.md', import.meta.url);
const samples = readSamples(README);

const coordinator = withCoordinator();
beforeAll(async () => {
  await coordinator.runJob('Hello!', 'Good day!');
});

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
  ['the sample of a grant', 'signGrant', [[true], [false]]],
  [
    'the sample of an entry',
    'parseCanonicalJson',
    [[{ price: 0.025, units: 2.5 }], [expect.stringContaining('from position 2 on')]],
  ],
])('%s does what it says', async (_, mark, expected) => {
  const sample = samples.find(sample => sample.includes(mark)) ?? '';
  const modules = { '@aitbc/receipts': receipts };
  expect(await runSample(sample, { url: coordinator.url, modules })).toEqual(expected);
});

test('no sample goes untested', () => {
  expect(samples).toHaveLength(6);
});

test('every check of a receipt is explained', () => {
  const explained = Array.from(readFileSync(README, 'utf8').matchAll(/^\| `(\w+)`/gm), match => match[1]);
  expect(explained).toEqual([...receipts.RECEIPT_CHECKS]);
});
