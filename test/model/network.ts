import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { CoordinatorClient } from '@aitbc/sdk';
import { afterAll, beforeAll, inject } from 'vitest';

const AITBC = join(import.meta.dirname, '../../packages/cli/bin/aitbc.mjs');

/** The name of the model in jobs. */
export const MODEL = 'smollm2';

export interface Network {
  url: string;
  client: CoordinatorClient;
  /** Waits for the answer to a prompt. */
  answer(prompt: string, params?: object): ReturnType<CoordinatorClient['waitForJob']>;
  /** Streams the answer to a prompt. */
  stream(prompt: string): Promise<{ pieces: string[]; result: string | null }>;
  /** Creates a key of the coordinator with this scope. */
  key(scope: string): Promise<string>;
  /** Runs `aitbc` until the tests end. Resolves with the line that matches. */
  run(argv: readonly string[], expected: RegExp): Promise<RegExpExecArray>;
}

/** Starts an engine, if it has its own process, and returns the miner's options for it. */
export type Engine = (run: Run) => Promise<readonly string[]>;

/** Runs a program until the tests end. Resolves with the line that matches. */
export type Run = (child: ChildProcess, expected: RegExp) => Promise<RegExpExecArray>;

/** Starts a coordinator and a miner in their own processes, for the tests of one file. */
export function withMiner(engine: Engine, serve: readonly string[] = []): Network {
  const stops: (() => Promise<unknown>)[] = [];
  let data = '';
  const network: Network = {
    url: '',
    client: new CoordinatorClient('http://127.0.0.1:2'),
    async answer(prompt, params = {}) {
      const { client } = network;
      const { job_id } = await client.jobs.submit({
        prompt,
        model: MODEL,
        params: { temperature: 0, max_tokens: 64, ...params },
      });
      return await client.jobs.wait(job_id, { timeout: 110_000 });
    },
    async key(scope) {
      const argv = ['keys', 'create', '--scope', scope, '--data', data, '--json'];
      const { stdout } = await promisify(execFile)(process.execPath, [AITBC, ...argv]);
      return JSON.parse(stdout).key;
    },
    run: (argv, expected) => aitbc([...argv, '--coordinator', network.url], expected),
    async stream(prompt) {
      const params = { temperature: 0, max_tokens: 64 };
      const pieces: string[] = [];
      let result: string | null = null;
      for await (const { event, data } of network.client.jobs.stream({ prompt, model: MODEL, params })) {
        if (event === 'chunk') pieces.push(data.text);
        if (event === 'result') result = data.result;
      }
      return { pieces, result };
    },
  };

  const run: Run = async (child, expected) => {
    stops.unshift(async () => {
      child.kill('SIGTERM');
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    });
    return await lineOf(child, expected);
  };
  // node-llama-cpp is found in the working directory.
  const aitbc = (argv: readonly string[], expected: RegExp) =>
    run(spawn(process.execPath, [AITBC, ...argv], { cwd: inject('engine') }), expected);

  beforeAll(async () => {
    const folder = await mkdtemp(join(tmpdir(), 'aitbc-model-'));
    stops.push(() => rm(folder, { recursive: true }));
    data = join(folder, 'data');
    const [, url = ''] = await aitbc(
      ['serve', '--port', '0', '--data', data, ...serve],
      /listens on (http:\S+),/,
    );
    network.url = url;
    network.client = new CoordinatorClient(url);
    const miner = ['miner', '--coordinator', url, '--state', join(folder, 'miner'), '--concurrency', '2'];
    await aitbc([...miner, ...(await engine(run))], /Waiting for jobs/);
  });
  afterAll(async () => {
    for (const stop of stops) await stop();
  });
  return network;
}

async function lineOf(child: ChildProcess, expected: RegExp): Promise<RegExpExecArray> {
  const told: string[] = [];
  const found = Promise.withResolvers<RegExpExecArray>();
  for (const stream of [child.stdout, child.stderr]) {
    if (!stream) throw new Error('The program has no output');
    createInterface(stream).on('line', line => {
      told.push(line);
      const match = expected.exec(line);
      if (match) found.resolve(match);
    });
  }
  child.once('exit', code => found.reject(new Error(`It exited with ${code}:\n${told.join('\n')}`)));
  return await found.promise;
}
