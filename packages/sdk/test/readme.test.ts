import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readSamples, runSample } from '../../../test/samples.ts';
import * as sdk from '../src/index.ts';
import { mineAll, withCoordinator } from './coordinator.ts';

const README = new URL('../README.md', import.meta.url);
const samples = readSamples(README);

const coordinator = withCoordinator();
let stopMining = async () => {};
beforeAll(() => {
  stopMining = mineAll(coordinator.client, 'llama3.2');
});
afterAll(() => stopMining());

test.each([
  ['the first sample', 'Hello!', [['the answer']]],
  ['the sample of options', 'maxRetries: 4', [['ok']]],
  ['the sample of a job with everything', 'priority: 5', [['completed']]],
  ['the sample of waiting', 'onUpdate', expect.arrayContaining([['the answer']])],
  [
    'the sample of many jobs',
    'submitBatch',
    expect.arrayContaining([['cancelled'], [2], [expect.objectContaining({ cursor: null })]]),
  ],
  [
    'the sample of a batch',
    'batches.submit(requests)',
    [
      ['line-1', 200],
      ['line-2', 200],
    ],
  ],
  ['the sample of a proof', 'waitForProof(receipt_id', [['c2sp.org/tlog-proof@v1']]],
  ['the sample of a ledger', 'inclusionProof', [[true, expect.any(Number)]]],
  ['the sample of an audit', 'audit(', [[true, 0]]],
  ['the sample of a stream', 'another miner starts again', [['the answer']]],
  ['the sample of a miner that streams', "miner_id: 'poet'", [[3]]],
  ['the sample of errors', 'VALIDATION_*', [['VALIDATION_OUT_OF_RANGE', 'params.temperature']]],
])('%s does what it says', async (_, mark, expected) => {
  const sample = samples.find(sample => sample.includes(mark)) ?? '';
  const modules = { '@aitbc/sdk': sdk };
  expect(await runSample(sample, { url: coordinator.url, modules })).toEqual(expected);
});

test('every sample of the README is tested', () => {
  expect(samples).toHaveLength(12);
});

test('the table names every method', () => {
  const [table = ''] = /^\| resource (.|\n\|)*/m.exec(readFileSync(README, 'utf8')) ?? [];
  const rows = Array.from(table.matchAll(/^\| `(\w+)` +\| (.*) \|$/gm));
  const named = rows.map(([, resource, methods = '']) => [
    resource,
    Array.from(methods.matchAll(/`(\w+)`/g), ([, method]) => method).sort(),
  ]);
  const resources = Object.entries(new sdk.CoordinatorClient(coordinator.url)).map(([name, resource]) => [
    name,
    Object.getOwnPropertyNames(Object.getPrototypeOf(resource))
      .filter(method => method !== 'constructor')
      .sort(),
  ]);
  expect(Object.fromEntries(named)).toEqual(Object.fromEntries(resources));
});
