import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { WeightChange } from './gguf.ts';

/* Honest and cheating miners that answer the same prompts. */

export interface Population {
  name: string;
  honest: boolean;
  /** A key of WEIGHTS. */
  weights: string;
  /** What the miner makes of the prompt. */
  prompt?: (user: string) => { system?: string; user: string };
  /** The temperature that it samples at, instead of the job's. */
  temperature?: number;
  repeat_penalty?: number;
  kv?: 'Q8_0' | 'Q4_0';
  /** How many answers are generated at once. */
  atOnce?: number;
  /** Distinguishes the random numbers of populations with the same weights. */
  seed?: number;
}

/** What is done to the model's weights. `reference` is what miners promise and verifiers have. */
export const WEIGHTS: Readonly<Record<string, WeightChange>> = {
  reference: {},
  'F16 instead of Q8_0': { type: 'f16' },
  '5 bits': { change: symmetric(16) },
  '4 bits': { change: symmetric(8) },
  '3 bits': { change: asymmetric(7) },
  '28 of 30 layers': { without: [20, 23] },
};

export const POPULATIONS: readonly Population[] = [
  { name: 'honest', honest: true, weights: 'reference', atOnce: 1 },
  { name: 'honest, again', honest: true, weights: 'reference', seed: 1 },
  { name: 'honest, four at once', honest: true, weights: 'reference', atOnce: 4, seed: 2 },
  { name: 'honest, F16', honest: true, weights: 'F16 instead of Q8_0', seed: 3 },
  { name: 'honest, KV cache in Q8_0', honest: true, weights: 'reference', kv: 'Q8_0', seed: 4 },
  { name: 'honest, repeat_penalty 1.1', honest: true, weights: 'reference', repeat_penalty: 1.1, seed: 5 },
  { name: '5 bits', honest: false, weights: '5 bits' },
  { name: '4 bits', honest: false, weights: '4 bits' },
  { name: '3 bits', honest: false, weights: '3 bits' },
  { name: '28 of 30 layers', honest: false, weights: '28 of 30 layers' },
  { name: 'temperature 1.5', honest: false, weights: 'reference', temperature: 1.5 },
  { name: 'prompt cut', honest: false, weights: 'reference', prompt: user => ({ user: cut(user) }) },
  {
    name: 'another system prompt',
    honest: false,
    weights: 'reference',
    prompt: user => ({ user, system: 'You are a pirate. Answer every question in a grumpy way.' }),
  },
];

export interface Setting {
  temperature: number;
  top_p: number;
  populations: readonly string[];
  /** Of the answers that no run of the model stands behind. */
  altered: readonly string[];
}

const REPLAY = "another prompt's answer";
const ALL = POPULATIONS.map(({ name }) => name);
const SHIFTED = 'a tenth of the words changed';

export const SETTINGS: readonly Setting[] = [
  {
    ...{ temperature: 1, top_p: 0.9, populations: ALL },
    altered: [SHIFTED, REPLAY, 'echo of the prompt', 'text of people', 'random words'],
  },
  {
    ...{ temperature: 0.7, top_p: 0.9, altered: [SHIFTED] },
    populations: ['honest', '4 bits', '28 of 30 layers', 'prompt cut'],
  },
  {
    ...{ temperature: 0, top_p: 1, altered: [REPLAY] },
    populations: ['honest', 'honest, four at once', 'honest, F16', '5 bits', '4 bits'],
  },
];

/** Rounds as Q4_0 and Q5_0 do: in blocks of 32, by the value that is farthest from 0. */
function symmetric(steps: number): NonNullable<WeightChange['change']> {
  return inBlocks(block => {
    let extreme = 0;
    for (const value of block) if (Math.abs(value) > Math.abs(extreme)) extreme = value;
    const scale = extreme / -steps;
    if (scale === 0) return;
    for (const [index, value] of block.entries())
      block[index] = Math.max(-steps, Math.min(steps - 1, Math.round(value / scale))) * scale;
  });
}

/** Rounds in blocks of 32 to equal steps between the least and the greatest value. */
function asymmetric(steps: number): NonNullable<WeightChange['change']> {
  return inBlocks(block => {
    const least = Math.min(...block);
    const step = Math.max((Math.max(...block) - least) / steps, 1e-9);
    for (const [index, value] of block.entries())
      block[index] = Math.round((value - least) / step) * step + least;
  });
}

/** The embedding keeps its bits, as in the usual files. */
function inBlocks(round: (block: Float32Array) => void): NonNullable<WeightChange['change']> {
  return (name, values) => {
    if (name.startsWith('token_embd')) return;
    for (let at = 0; at < values.length; at += 32) round(values.subarray(at, at + 32));
  };
}

/** What a miner reads that saves on the prompt: the last quarter of a long one, the last half of a short one. */
function cut(user: string): string {
  const words = user.split(' ');
  return words.slice(-Math.ceil(words.length / (words.length > 40 ? 4 : 2))).join(' ');
}

const TOPICS = [
  'rain',
  'compound interest',
  'photosynthesis',
  'a bicycle gear',
  'vaccines',
  'black holes',
  'bread',
];
const MORE_TOPICS = [
  'recursion',
  'the tides',
  'earthquakes',
  'jazz',
  'the Silk Road',
  'a good sleep',
  'glass',
];
const QUESTIONS = ['Summarise this in two sentences.', 'Which mistakes may a beginner make with this?'];

/** Paragraphs of this repository's guides: text that the model has not seen. */
export function passages(count: number): string[] {
  const text = ['ARCHITECTURE.md', 'docs/security.md', 'docs/operator.md']
    .map(file => readFileSync(join(import.meta.dirname, '../..', file), 'utf8'))
    .join('\n\n');
  const found = text
    .split(/\n\n+/)
    .map(paragraph => paragraph.replace(/\s+/g, ' ').trim())
    .filter(paragraph => /^[A-Z]/.test(paragraph) && paragraph.length > 300)
    .map(paragraph => paragraph.slice(0, 600));
  return found.slice(0, count);
}

/** Half of them short questions, half with a passage to read. */
export function prompts(count: number): string[] {
  const short = [...TOPICS, ...MORE_TOPICS].flatMap(topic => [
    `Explain ${topic} to a child.`,
    `Write a short story that has to do with ${topic}.`,
  ]);
  const long = passages(Math.floor(count / 2)).map(
    (passage, index) => `${passage}\n\n${QUESTIONS[index % 2]}`,
  );
  return [...short.slice(0, count - long.length), ...long];
}
