import { join } from 'node:path';
import { expect, test } from 'vitest';
import { json, serve } from '../../miner/test/inference-server.ts';
import { withCoordinator } from './coordinator.ts';
import type { Terminal } from './terminal.ts';

// Miners hear by their heartbeats, four to a lease, that another one has taken their id.
const coordinator = withCoordinator({ leaseSeconds: 6 });

function miner(name: string, flags: readonly string[], terminal?: Terminal) {
  const state = join(coordinator.folder, name);
  return coordinator.aitbc(['miner', '--miner-id', name, '--state', state, ...flags], terminal);
}

/** Calls back once the text was printed. */
function whenPrinted(text: string, then: () => void) {
  let printed = '';
  let isTold = false;
  return (piece: string) => {
    printed += piece;
    if (isTold || !printed.includes(text)) return;
    isTold = true;
    then();
  };
}

test('the miner runs jobs, reports their earnings, and ends after --max-jobs', async () => {
  const { job_id } = await coordinator.client.jobs.submit({ prompt: 'Hello there', model: 'printed' });
  const { exitCode, stdout } = await miner('lines', [
    ...['--backend', 'echo', '--model', 'printed', '--max-jobs', '1'],
  ]);
  const job = await coordinator.client.jobs.get(job_id);
  expect({ exitCode, result: job.result }).toEqual({
    exitCode: 0,
    result: 'Echo, no model ran: Hello there',
  });
  expect(stdout).toMatch(/lines runs printed by echo .* Earnings go to ait1\w+\. Waiting for jobs/);
  expect(stdout).toMatch(new RegExp(`${job_id} completed in [\\d.]+ s.*: [\\d.]+ credits, [\\d.]+ in all`));
  expect(stdout).toMatch(/Stopped after 1 job, [\d.]+ credits earned/);
});

test('with --json each event is a line of JSON', async () => {
  const { job_id } = await coordinator.client.jobs.submit({ prompt: 'Hello', model: 'json' });
  const { stdout } = await miner('json', [
    ...['--backend', 'echo', '--model', 'json', '--max-jobs', '1', '--json'],
  ]);
  const events = stdout
    .trim()
    .split('\n')
    .map(line => JSON.parse(line));
  expect(events.map(({ event, job_id }) => [event, job_id])).toEqual([
    ['registered', undefined],
    ['job_started', job_id],
    ['job_completed', job_id],
    ['stopped', undefined],
  ]);
  expect(events[0].time).toMatch(/^\d{4}-\d\d-\d\dT.*Z$/);
});

test('--model takes several names, which the miner then offers', async () => {
  let send: (signal: NodeJS.Signals) => void = () => {};
  const registered = Promise.withResolvers<void>();
  const run = miner('several', ['--backend', 'echo', '--model', 'one,two', '--model', 'three'], {
    signal: listener => {
      send = listener;
    },
    onOutput: whenPrinted('Waiting for jobs', registered.resolve),
  });
  await registered.promise;
  const { capabilities } = await coordinator.client.miners.get('several');
  send('SIGTERM');
  await run;
  expect(capabilities).toEqual(['one', 'three', 'two']);
});

test('a signal ends the miner properly and deregisters it', async () => {
  let send: (signal: NodeJS.Signals) => void = () => {};
  const { exitCode, stdout } = await miner('signalled', ['--backend', 'echo'], {
    signal: listener => {
      send = listener;
    },
    onOutput: whenPrinted('Waiting for jobs', () => send('SIGTERM')),
  });
  expect({ exitCode, stdout }).toEqual({
    exitCode: 0,
    stdout: expect.stringContaining('Stopped after 0 jobs'),
  });
  await expect(coordinator.client.miners.get('signalled')).rejects.toMatchObject({
    errorCode: 'MINER_NOT_FOUND',
  });
});

test('a miner whose id another process takes ends with its own exit code', async () => {
  const started = Promise.withResolvers<void>();
  const older = miner('cloned', ['--backend', 'echo'], {
    onOutput: whenPrinted('Waiting for jobs', started.resolve),
  });
  await started.promise;
  const newer = await miner('cloned', ['--backend', 'echo'], {
    signal: listener => {
      older.then(() => listener('SIGTERM'));
    },
  });
  expect(newer.exitCode).toBe(0);
  const { exitCode, stdout, stderr } = await older;
  expect({ exitCode, stdout, stderr }).toEqual({
    exitCode: 3,
    stdout: expect.stringContaining('Ending: Another process has registered as cloned'),
    stderr: expect.stringContaining('give each its own id'),
  });
});

test('a job that runs at a signal may finish within --shutdown-seconds', async () => {
  const { job_id } = await coordinator.client.jobs.submit({ prompt: 'Hello', model: 'slow' });
  let send: (signal: NodeJS.Signals) => void = () => {};
  const stopping = Promise.withResolvers<void>();
  const { url } = await serve({
    '/v1/models': json(200, { data: [{ id: 'slow' }] }),
    '/v1/chat/completions': async (response, asked) => {
      send('SIGTERM');
      await stopping.promise;
      json(200, { choices: [{ message: { content: 'Late' } }] })(response, asked);
    },
  });
  const { exitCode, stdout } = await miner('slow', ['--backend', 'openai', '--backend-url', `${url}/v1`], {
    signal: listener => {
      send = listener;
    },
    onOutput: whenPrinted('may finish within 30 s', stopping.resolve),
  });
  expect({ exitCode, stdout }).toEqual({
    exitCode: 0,
    stdout: expect.stringContaining(`${job_id} completed`),
  });
});

test('the error names an engine that does not answer, with its address', async () => {
  const closed = 'http://127.0.0.1:2';
  const { exitCode, stderr } = await miner('no-engine', ['--backend', 'ollama', '--backend-url', closed]);
  expect({ exitCode, stderr }).toEqual({
    exitCode: 1,
    stderr: expect.stringContaining(`aitbc: Ollama does not answer at ${closed}`),
  });
});

test.each([
  ['a backend that is none', ['--backend', 'magic'], 'Allowed choices are ollama, openai, llama, echo'],
  [
    'the llama backend without a file',
    ['--backend', 'llama'],
    'The llama backend needs a model: --gguf FILE',
  ],
  [
    'a verifier without a file',
    ['--verify'],
    'name the file of the model that their miners have: --gguf FILE',
  ],
  ['no slot at all', ['--concurrency', '0'], 'It must be at least 1'],
])('%s is a wrong call', async (_, flags, message) => {
  const { exitCode, stderr } = await miner('wrong', flags);
  expect({ exitCode, stderr }).toEqual({ exitCode: 2, stderr: expect.stringContaining(message) });
});

test('the error names a missing model file', async () => {
  const { exitCode, stderr } = await miner('no-file', ['--gguf', 'missing.gguf']);
  expect({ exitCode, stderr }).toEqual({ exitCode: 1, stderr: expect.stringContaining("'missing.gguf'") });
});

test('an unknown API key ends the miner with advice', async () => {
  const { exitCode, stderr } = await miner('stranger', ['--backend', 'echo', '--api-key', 'aitbc_wrong']);
  expect({ exitCode, stderr }).toEqual({
    exitCode: 1,
    stderr: expect.stringContaining('Give your key with --api-key KEY or AITBC_API_KEY'),
  });
});

test.each([
  ['--abilities', 'text,telepathy', '"telepathy" is none of text, embeddings'],
  ['--abilities', '=text', 'does not name a model'],
  ['--context-length', 'llama3.2=many', '"many" is not a number of tokens'],
  ['--vram', '24576', 'It must be in GB, at most 4096'],
  ['--gpu-name', ' ', '1 to 128 characters'],
])('%s rejects "%s"', async (flag, value, message) => {
  const { exitCode, stderr } = await miner('strict', [flag, value]);
  expect({ exitCode, stderr }).toEqual({ exitCode: 2, stderr: expect.stringContaining(message) });
});
