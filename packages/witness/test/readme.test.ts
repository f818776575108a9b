import { readFileSync } from 'node:fs';
import * as tlog from '@aitbc/tlog';
import { expect, test } from 'vitest';
import { readSamples, runSample } from '../../../test/samples.ts';
import * as witness from '../src/index.ts';
import { testFolder } from './witnesses.ts';

const README = new URL('../README.md', import.meta.url);
const ERRORS = new URL('../src/errors.ts', import.meta.url);
const SERVER = new URL('../src/server.ts', import.meta.url);
const samples = readSamples(README);

test('the sample cosigns a checkpoint', async () => {
  const sample = samples[0]?.replace('./witness', await testFolder()) ?? '';
  const modules = { '@aitbc/tlog': tlog, '@aitbc/witness': witness };
  expect(await runSample(sample, { url: '', modules })).toEqual([[200, 1]]);
});

test('every sample of the README is tested', () => {
  expect(samples).toHaveLength(1);
});

test('the README lists every error code with its status', () => {
  const explained = matches(README, /^\| (\d+) +\| `([A-Z_]+)`/gm);
  expect(explained.map(([, code]) => code).sort()).toEqual(
    matches(ERRORS, /^ {2}\| '([A-Z_]+)'/gm)
      .map(([code]) => code)
      .sort(),
  );
  const statuses = matches(SERVER, /^ {2}([A-Z_]+): (\d+),/gm).map(([code, status]) => [status, code]);
  expect(explained.sort()).toEqual(statuses.sort());
});

test('the README states the body limit of the code', () => {
  expect(readFileSync(README, 'utf8')).toContain(`at most ${witness.WITNESS_LIMITS.bodyBytes / 1024} KiB`);
});

function matches(file: URL, pattern: RegExp): string[][] {
  return Array.from(readFileSync(file, 'utf8').matchAll(pattern), ([, ...groups]) => groups);
}
