import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import * as sdk from '../src/index.ts';
import { mineAll, withCoordinator } from './coordinator.ts';

const README = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
const samples = Array.from(README.matchAll(/```ts\n(.*?)```/gs), match => match[1] ?? '');

const coordinator = withCoordinator();
let stopMining = async () => {};
beforeAll(() => {
  stopMining = mineAll(coordinator.client, 'llama3.2');
});
afterAll(() => stopMining());

/** Runs a sample against the coordinator of this file, and tells what it printed. */
async function run(sample: string): Promise<unknown[][]> {
  const body = sample
    .replace(/import (\{.*?\}) from '@aitbc\/sdk';/s, 'const $1 = sdk;')
    .replaceAll('http://127.0.0.1:8000', coordinator.url);
  const printed: unknown[][] = [];
  const console = { log: (...values: unknown[]) => printed.push(values) };
  const AsyncFunction = (async () => {}).constructor as FunctionConstructor;
  await AsyncFunction('sdk', 'console', body)(sdk, console);
  return printed;
}

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
  ['the sample of errors', 'VALIDATION_*', [['VALIDATION_OUT_OF_RANGE', 'params.temperature']]],
])('%s does what it says', async (_, mark, expected) => {
  const sample = samples.find(sample => sample.includes(mark)) ?? '';
  expect(await run(sample)).toEqual(expected);
});

test('no sample goes untested', () => {
  expect(samples).toHaveLength(6);
});
