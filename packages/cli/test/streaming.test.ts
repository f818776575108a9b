import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startCoordinator } from '@aitbc/coordinator';
import { CoordinatorClient } from '@aitbc/sdk';
import OpenAI from 'openai';
import { describe, expect, inject, onTestFinished, test } from 'vitest';
import { withCoordinator } from './coordinator.ts';
import { aitbc, type Terminal } from './terminal.ts';

const MAIN = inject('programs').main;

describe('a text on the command line', () => {
  const coordinator = withCoordinator();

  /**
   * Claims the next job of the model, posts each text once the one before was printed, and completes the job.
   */
  async function tell(model: string, texts: readonly string[], result: string, printed?: Printed) {
    const { client } = coordinator;
    await client.miners.register({ miner_id: model, capabilities: [model] });
    const [job] = await client.miners.claimJobs(model, { wait: 10 });
    const id = job?.job_id ?? '';
    for (const [first, text] of texts.entries()) {
      await client.jobs.postChunks(id, { miner_id: model, first, chunks: [text] });
      await printed?.until(text);
    }
    await client.jobs.complete(id, { miner_id: model, result });
  }

  test('is printed as it comes, without anything else', async () => {
    const printed = watchOutput();
    const argv = ['submit', 'Hello!', '--model', 'comes', '--stream'];
    const submitted = coordinator.aitbc(argv, { onOutput: printed.onOutput });
    await tell('comes', ['Good ', 'day, ', 'you!'], 'Good day, you!', printed);
    expect(await submitted).toMatchObject({ exitCode: 0, stdout: 'Good day, you!\n' });
    expect(printed.pieces).toEqual(['Good ', 'day, ', 'you!', '', '\n']);
  });

  test('can be watched by the id of its job, also when it has ended', async () => {
    const job = { prompt: 'p', model: 'watched', stream: true };
    const { job_id } = await coordinator.client.jobs.submit(job);
    await tell('watched', ['Good ', 'day'], 'Good day');
    expect(await coordinator.aitbc(['jobs', 'watch', job_id])).toMatchObject({
      exitCode: 0,
      stdout: 'Good day\n',
    });
  });

  test('that is not streamed is printed when the job has ended', async () => {
    const { job_id } = await coordinator.client.jobs.submit({ prompt: 'p', model: 'whole' });
    const watched = coordinator.aitbc(['jobs', 'watch', job_id]);
    await tell('whole', ['not', 'streamed'], 'The whole text');
    expect(await watched).toMatchObject({ exitCode: 0, stdout: 'The whole text\n', stderr: '' });
  });

  test('that differs from the result is replaced by the result', async () => {
    const submitted = coordinator.aitbc(['submit', 'Hello!', '--model', 'other', '--stream']);
    await tell('other', ['A draft'], 'The result');
    const { stdout, stderr } = await submitted;
    expect(stdout).toBe('A draft\nThe result\n');
    expect(stderr).toContain('differs from the streamed text');
  });

  test('with --json is a line of JSON for each event', async () => {
    const submitted = coordinator.aitbc(['submit', 'p', '--model', 'json', '--stream', '--json']);
    await tell('json', ['text'], 'text');
    const { stdout, stderr } = await submitted;
    const events = stdout
      .trim()
      .split('\n')
      .map(line => JSON.parse(line).event);
    expect(events.slice(-5)).toEqual(['status', 'chunk', 'status', 'result', 'receipt']);
    expect(stderr).toBe('');
  });

  test('on a terminal contains no control characters', async () => {
    const argv = ['submit', 'Hello!', '--model', 'escapes', '--stream'];
    const submitted = coordinator.aitbc(argv, { isTTY: true });
    await tell('escapes', ['a\u001b[2Jb', '\u0007c'], 'a\u001b[2Jb\u0007c');
    expect((await submitted).stdout).toBe('a\\u001b[2Jb\\u0007c\n');
  });

  test('of a cancelled job ends early, which is a failure', async () => {
    const printed = watchOutput();
    const argv = ['submit', 'Hello!', '--model', 'cancelled', '--stream'];
    const submitted = coordinator.aitbc(argv, { onOutput: printed.onOutput });
    const { client } = coordinator;
    await client.miners.register({ miner_id: 'cancelled', capabilities: ['cancelled'] });
    const [job] = await client.miners.claimJobs('cancelled', { wait: 10 });
    const id = job?.job_id ?? '';
    await client.jobs.postChunks(id, { miner_id: 'cancelled', first: 0, chunks: ['Half a '] });
    await printed.until('Half a ');
    await client.jobs.cancel(id);
    expect(await submitted).toMatchObject({
      exitCode: 1,
      stdout: 'Half a \n',
      stderr: expect.stringContaining(`aitbc: ${id} cancelled`),
    });
  });

  test('of a job that fails is a failure that says why', async () => {
    const submitted = coordinator.aitbc(['submit', 'Hello!', '--model', 'fails', '--stream']);
    const { client } = coordinator;
    await client.miners.register({ miner_id: 'fails', capabilities: ['fails'] });
    const [job] = await client.miners.claimJobs('fails', { wait: 10 });
    const failure = { miner_id: 'fails', error: 'out of memory', retryable: false };
    await client.jobs.fail(job?.job_id ?? '', failure);
    const { exitCode, stderr } = await submitted;
    expect({ exitCode, stderr }).toEqual({
      exitCode: 1,
      stderr: expect.stringContaining('failed: out of memory (MINER_FAILED)'),
    });
  });

  test('that is left with Ctrl-C continues and can be watched again', async () => {
    const listeners: (() => void)[] = [];
    const interrupt = (pressed: () => void) => {
      listeners.push(pressed);
      if (listeners.length === 2) pressed();
    };
    const argv = ['submit', 'Hello!', '--model', 'interrupted', '--stream'];
    const { exitCode, stderr } = await coordinator.aitbc(argv, { interrupt });
    const [job] = await Array.fromAsync(coordinator.client.jobs.list({ model: 'interrupted' }));
    expect({ exitCode, status: job?.status }).toEqual({ exitCode: 130, status: 'pending' });
    expect(stderr).toContain(`\`aitbc jobs watch ${job?.job_id}\``);
  });

  test('is waited for one way or the other', async () => {
    expect(await coordinator.aitbc(['submit', 'Hello!', '--stream', '--wait'])).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('omit --wait'),
    });
  });
});

interface Printed {
  pieces: string[];
  onOutput: NonNullable<Terminal['onOutput']>;
  /** Resolves once this text was printed. */
  until(text: string): Promise<void>;
}

function watchOutput(): Printed {
  const pieces: string[] = [];
  let printed = Promise.withResolvers<void>();
  return {
    pieces,
    onOutput(piece) {
      pieces.push(piece);
      printed.resolve();
      printed = Promise.withResolvers();
    },
    async until(text) {
      while (!pieces.join('').includes(text)) await printed.promise;
    },
  };
}

/** Starts an inference server that begins a text and never ends it. */
async function serveHalf(model: string, text: string): Promise<string> {
  const server = createServer((request, response) => {
    if (request.method === 'GET') {
      response.setHeader('content-type', 'application/json').end(JSON.stringify({ data: [{ id: model }] }));
      return;
    }
    response.setHeader('content-type', 'text/event-stream');
    response.write(`data: ${JSON.stringify({ choices: [{ delta: { content: text } }] })}\n\n`);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test('a text whose miner is killed starts again with another miner, also for clients that can not restart', async () => {
  const data = await mkdtemp(join(tmpdir(), 'aitbc-killed-'));
  const options = { port: 0, data, logLevel: 'silent', leaseSeconds: 1, retryBackoffSeconds: 0 };
  const coordinator = await startCoordinator(options);
  const flags = ['--coordinator', coordinator.url];
  const mine = (name: string, more: readonly string[]) => {
    const argv = ['miner', ...flags, '--miner-id', name, '--state', join(data, name), ...more];
    return spawn(process.execPath, [MAIN, ...argv], { stdio: 'ignore' });
  };
  const engine = ['--backend', 'openai', '--backend-url', await serveHalf('m', 'Echo, ')];
  const killed = mine('killed', [...engine, '--concurrency', '2']);
  const printed = watchOutput();
  const submitted = aitbc(['submit', 'Hello', '--model', 'm', '--stream', ...flags], printed);
  await printed.until('Echo, ');
  const openai = new OpenAI({ baseURL: `${coordinator.url}/v1`, apiKey: 'unused' });
  const messages = [{ role: 'user' as const, content: 'Hello' }];
  const chat = await openai.chat.completions.create({ model: 'm', messages, stream: true });
  const reading = chat[Symbol.asyncIterator]();
  const begun = await reading.next();
  killed.kill('SIGKILL');
  const heir = mine('heir', ['--backend', 'echo', '--model', 'm']);
  const { exitCode, stdout, stderr } = await submitted;
  expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: 'Echo, \nEcho, no model ran: Hello\n' });
  expect(stderr).toContain('The text so far is void');
  const pieces = [begun.value];
  for (let next = await reading.next(); !next.done; next = await reading.next()) pieces.push(next.value);
  const choices = pieces.flatMap(piece => piece.choices);
  expect(choices.map(({ delta }) => delta.content ?? '').join('')).toBe('Echo, no model ran: Hello');
  expect(choices.at(-1)).toMatchObject({ finish_reason: 'stop' });
  const { items: jobs } = await new CoordinatorClient(coordinator.url).jobs.list().page();
  const ended = { status: 'completed', attempts: 2, miner_id: 'heir' };
  expect(jobs).toMatchObject([ended, ended]);
  heir.kill('SIGTERM');
  await once(heir, 'exit');
  await coordinator.close();
  await rm(data, { recursive: true });
});
