import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TokenScore } from '@aitbc/evidence';
import { expect, test } from 'vitest';
import type { Measured } from '../bench/evidence/measure.ts';
import { simulate } from '../bench/evidence/simulate.ts';

/*
 * The statistics of docs/evidence.md, from twelve measured answers of each of eight kinds of miners. `npm run bench --
 * --evidence` measures all kinds anew. The file has a line for each answer: temperature, kind, whether it is honest, and for each
 * token, in thousandths, log-probability, entropy and variance over the whole vocabulary, the same within the nucleus (x:
 * outside), and how far it is below the best token.
 */

const FILE = join(import.meta.dirname, 'evidence-answers.tsv');

function readMeasured(): Measured[] {
  const groups = new Map<string, Measured>();
  for (const line of readFileSync(FILE, 'utf8').trim().split('\n').slice(1)) {
    const [temperature, population = '', honest, tokens = ''] = line.split('\t');
    const key = `${temperature} ${population}`;
    const setting = { temperature: Number(temperature), top_p: 0.9 };
    const group = groups.get(key) ?? { setting, population, honest: honest === '1', answers: [] };
    group.answers.push(tokens.split(' ').map(readToken));
    groups.set(key, group);
  }
  return [...groups.values()];
}

function readToken(text: string): TokenScore {
  const cells = text.split(',');
  const number = (index: number) => Number(cells[index]) / 1000;
  const nucleus = { logprob: cells[3] === 'x' ? null : number(3), entropy: number(4), variance: number(5) };
  return {
    full: { logprob: number(0), entropy: number(1), variance: number(2) },
    nucleus: cells[3] === '' ? null : nucleus,
    below_best: number(6),
  };
}

const { populations, lives } = simulate(readMeasured(), { miners: 40, life: 500 });
const found = (temperature: number, name: string) =>
  populations.find(({ population, temperature: at }) => population === name && at === temperature);

test('no honest miner is accused', () => {
  expect(lives.map(({ rule }) => rule)).toEqual(['nucleus/1', 'robust/1', 'greedy/1']);
  for (const { accused } of lives) expect(accused).toEqual({ e_value: 0, alone: 0 });
});

test.each([
  [1, '4 bits'],
  [1, '28 of 30 layers'],
  [1, 'prompt cut'],
  [0, '5 bits'],
])('at temperature %s, each miner with %s is found within 30 answers', (temperature, name) => {
  expect(found(temperature, name)?.always).toMatchObject({ within30: 1, ever: 1 });
});

test('a miner with 4 bits in a fifth of its answers is found within 300', () => {
  expect(found(1, '4 bits')?.fifth?.ever).toBeGreaterThan(0.8);
});
