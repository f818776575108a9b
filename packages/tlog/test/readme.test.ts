import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { readSamples, runSample } from '../../../test/samples.ts';
import * as tlog from '../src/index.ts';

const README = new URL('../README.md', import.meta.url);
const ERRORS = new URL('../src/errors.ts', import.meta.url);
const samples = readSamples(README);

test.each([
  ['a proof', 'verifyTlogProof', [[1, 'coordinator.example/ledger', 3]]],
  [
    'a policy',
    'parsePolicy',
    [
      ['Ed25519', undefined],
      ['cosignature/v1', 1764000000],
    ],
  ],
  ['consistency', 'verifyConsistency', [[true]]],
  ['keeping a log', 'appendLeafHashes', [[3], ['index 1']]],
  [
    'tiles',
    'partialTiles',
    [[['tile/0/273.p/112', 'tile/1/001.p/17', 'tile/2/000.p/1']], [true, { level: 8, index: 256 }]],
  ],
])('the sample of %s does what it says', async (_, mark, expected) => {
  const sample = samples.find(sample => sample.includes(mark)) ?? '';
  expect(await runSample(sample, { url: '', modules: { '@aitbc/tlog': tlog } })).toEqual(expected);
});

test('no sample goes untested', () => {
  expect(samples).toHaveLength(5);
});

test('every code of an error is explained', () => {
  const explained = matches(README, /^\| `([A-Z_]+)`/gm);
  expect(explained).toEqual(matches(ERRORS, /^ {2}\| '([A-Z_]+)'/gm));
  expect(explained).toHaveLength(8);
});

test('what the README names is there', () => {
  const named = matches(README, /^\| (`\w+`(?:, `\w+`)*) +\|/gm).flatMap(cell => cell.match(/\w+/g) ?? []);
  const functions = named.filter(name => name !== name.toUpperCase());
  expect(functions).not.toEqual([]);
  expect(functions.filter(name => !(name in tlog))).toEqual([]);
});

function matches(file: URL, pattern: RegExp): string[] {
  return Array.from(readFileSync(file, 'utf8').matchAll(pattern), match => match[1] ?? '');
}
