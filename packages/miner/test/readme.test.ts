import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { stripTypeScriptTypes } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as sdk from '@aitbc/sdk';
import { expect, onTestFinished, test } from 'vitest';
import * as miner from '../src/index.ts';
import { withCoordinator } from './coordinator.ts';

const README = await readFile(new URL('../README.md', import.meta.url), 'utf8');
const samples = Array.from(README.matchAll(/```ts\n(.*?)```/gs), match => match[1] ?? '');

const coordinator = withCoordinator();

/** Runs a sample against this file's coordinator and returns what it printed. */
async function run(sample: string): Promise<unknown[][]> {
  const state = await mkdtemp(join(tmpdir(), 'aitbc-readme-'));
  onTestFinished(() => rm(state, { recursive: true }));
  const body = stripTypeScriptTypes(sample.replaceAll(/import (\{.*?\}) from '@aitbc\/(\w+)';/g, importing))
    .replaceAll('http://127.0.0.1:8000', coordinator.url)
    .replaceAll('./state', state);
  const printed: unknown[][] = [];
  const console = { log: (...values: unknown[]) => printed.push(values) };
  const AsyncFunction = (async () => {}).constructor as FunctionConstructor;
  await AsyncFunction('packages', 'console', body)({ miner, sdk }, console);
  return printed;
}

/** Removes types from imports, which destructuring can not have. */
const importing = (_: string, names: string, name: string) =>
  `const ${names.replaceAll(/type \w+, /g, '')} = packages.${name};`;

test('the first sample runs a job', async () => {
  const { client } = coordinator;
  const { job_id } = await client.jobs.submit({ prompt: 'Good morning', model: 'llama3.2' });
  expect(await run(samples[0] ?? '')).toEqual([['llama3.2', 6]]);
  expect(await client.jobs.get(job_id)).toMatchObject({ result: 'Echo, no model ran: Good morning' });
});

test('the sample with its own engine runs jobs, and fails those that it can not run', async () => {
  const { client } = coordinator;
  const prompts = ['one two three', 'long '.repeat(300)];
  const jobs = await client.jobs.submitBatch(prompts.map(prompt => ({ prompt, model: 'word-count' })));
  await run(samples[1] ?? '');
  expect(await Promise.all(jobs.map(({ job_id }) => client.jobs.get(job_id)))).toMatchObject([
    { status: 'completed', result: '3 words', miner_id: 'word-counter', usage: { completion_tokens: 2 } },
    { status: 'failed', error: { detail: 'The prompt is too long' } },
  ]);
});

test('every sample of the README is tested', () => {
  expect(samples).toHaveLength(2);
});
