import { expect, test } from 'vitest';
import { readSamples, runSample } from '../../../test/samples.ts';
import * as evidence from '../src/index.ts';

const samples = readSamples(new URL('../README.md', import.meta.url));

test('the sample does what it says', async () => {
  expect(samples).toHaveLength(1);
  const printed = await runSample(samples[0] ?? '', { url: '', modules: { '@aitbc/evidence': evidence } });
  expect(printed).toEqual([
    ['nucleus/1', -16.4, -2.5525, 'consistent'],
    ['accused', 'e_value'],
  ]);
});
