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

/** The package's own source, and llama.cpp as a Python package. */
const environment = () => ({
  ...process.env,
  PYTHONPATH: [join(FOLDER, 'src'), inject('server')].join(':'),
  PYTHONDONTWRITEBYTECODE: '1',
  MODEL_GGUF: inject('gguf'),
  MODEL_NAME: MODEL,
});

test.for([
  ['with_xllamacpp.py', 'xllamacpp'],
  ['with_llama_cpp.py', 'llama_cpp'],
])(
  '%s answers and streams with a real model',
  { timeout: 180_000 },
  async ([example = '', engine], context) => {
    const found = await promisify(execFile)(PYTHON, ['-c', `import aitbc, ${engine}`], {
      env: environment(),
    }).then(
      () => true,
      () => false,
    );
    // It has no wheel, and takes longer to compile than all other tests to run.
    if (engine === 'llama_cpp' && !found) return context.skip('PYTHON has no llama-cpp-python');
    requirement(context, found, `.ci/run shows how to install what the Python package needs for ${PYTHON}`);
    const folder = await mkdtemp(join(tmpdir(), 'aitbc-python-'));
    const coordinator = await startCoordinator({ port: 0, data: join(folder, 'data'), logLevel: 'silent' });
    const argv = ['-m', 'aitbc.cli', 'miner', `${join(FOLDER, 'examples', example)}:chat`, '--state', folder];
    const miner = spawn(PYTHON, [...argv, '--coordinator', coordinator.url], {
      env: environment(),
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
      params: { max_tokens: 24, temperature: 0 },
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
