import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { startCoordinator } from '@aitbc/coordinator';
import { CoordinatorClient } from '@aitbc/sdk';
import { expect, inject, onTestFinished, test } from 'vitest';
import { requirement } from '../requirement.ts';
import { MODEL } from './network.ts';

const PYTHON = process.env.PYTHON ?? 'python3';
const FOLDER = join(import.meta.dirname, '../../python');
const run = promisify(execFile);

/** The examples with the interpreter that has their engine, which is too large to share one with the others. */
const EXAMPLES = [
  { example: 'with_xllamacpp.py', engine: 'xllamacpp', python: PYTHON },
  { example: 'with_llama_cpp.py', engine: 'llama_cpp', python: process.env.PYTHON_LLAMA_CPP ?? PYTHON },
  {
    example: 'with_transformers.py',
    engine: 'transformers, torch',
    python: process.env.PYTHON_TRANSFORMERS ?? PYTHON,
  },
] as const;

/** The package's own source, llama.cpp as a Python package, and the model in both of its forms. */
const environment = (model = '') => ({
  ...process.env,
  PYTHONPATH: [join(FOLDER, 'src'), inject('server')].join(':'),
  PYTHONDONTWRITEBYTECODE: '1',
  MODEL_GGUF: inject('gguf'),
  MODEL: model,
  MODEL_NAME: MODEL,
});

test.for(EXAMPLES)(
  '$example answers and streams with a real model',
  { timeout: 300_000 },
  async ({ example, engine, python }, context) => {
    const found = await run(python, ['-c', `import aitbc, ${engine}`], { env: environment() }).then(
      () => true,
      () => false,
    );
    requirement(context, found, `.ci/run shows how to install ${engine} for ${python}`);
    const folder = await mkdtemp(join(tmpdir(), 'aitbc-python-'));
    const coordinator = await startCoordinator({ port: 0, data: join(folder, 'data'), logLevel: 'silent' });
    const model = join(folder, 'model');
    if (example === 'with_transformers.py')
      await run(python, [join(import.meta.dirname, 'transformers-model.py'), inject('gguf'), model]);
    const argv = ['-m', 'aitbc.cli', 'miner', `${join(FOLDER, 'examples', example)}:chat`, '--state', folder];
    const miner = spawn(python, [...argv, '--coordinator', coordinator.url], {
      env: environment(model),
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    onTestFinished(async () => {
      miner.kill('SIGTERM');
      if (miner.exitCode === null) await once(miner, 'exit');
      await coordinator.close();
      await rm(folder, { recursive: true });
    });
    await lineOf(miner, /Waiting for jobs/);
    const client = new CoordinatorClient(coordinator.url);
    const request = {
      prompt: 'What is the capital of France?',
      model: MODEL,
      params: { max_tokens: 4, temperature: 0 },
    };
    let streamed = '';
    let result: string | null = null;
    for await (const { event, data } of client.jobs.stream(request)) {
      if (event === 'chunk') streamed += data.text;
      if (event === 'result') result = data.result;
    }
    expect(streamed).toBe(result);
    expect(streamed).not.toBe('');
    const { job_id } = await client.jobs.submit(request);
    const job = await client.jobs.wait(job_id);
    expect({ status: job.status, reason: job.finish_reason }).toEqual({
      status: 'completed',
      reason: 'length',
    });
  },
);

async function lineOf({ stdout }: ChildProcess, expected: RegExp): Promise<void> {
  if (!stdout) throw new Error('The program has no output');
  for await (const line of createInterface(stdout)) if (expected.test(line)) return;
  throw new Error('It ended before it was ready');
}
