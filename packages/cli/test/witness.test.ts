import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { testLog } from '../../witness/test/log.ts';
import { addCheckpoint } from '../../witness/test/witnesses.ts';
import { aitbc, type Terminal } from './terminal.ts';

const NAME = 'witness.example/alice';
const log = testLog();
let folder = '';

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'aitbc-cli-witness-'));
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true, force: true });
});

const LOG = ['--log', log.vkey];
const witness = (argv: readonly string[], terminal?: Terminal) =>
  aitbc(['witness', '--data', join(folder, 'witness'), '--port', '0', ...argv], terminal);

/** Runs the witness while `work` runs, and then stops it with a signal. */
async function during(argv: readonly string[], work: (url: string) => Promise<unknown>) {
  const signal = Promise.withResolvers<(signal: NodeJS.Signals) => void>();
  const started = Promise.withResolvers<string>();
  const ended = witness([...argv, '--json'], {
    signal: signal.resolve,
    onOutput: text => {
      const { event, url } = JSON.parse(text);
      if (event === 'started') started.resolve(url);
    },
  });
  const url = await Promise.race([
    started.promise,
    ended.then(({ stderr }) => Promise.reject(new Error(stderr))),
  ]);
  try {
    await work(url);
  } finally {
    (await signal.promise)('SIGTERM');
  }
  const { exitCode, stdout } = await ended;
  return {
    exitCode,
    events: stdout
      .trim()
      .split('\n')
      .map(line => JSON.parse(line)),
  };
}

test('the witness prints its key and how to configure a coordinator', async () => {
  const { exitCode, stderr } = await witness(['--name', NAME, ...LOG], { signal: send => send('SIGINT') });
  expect(exitCode).toBe(0);
  expect(stderr).toContain(`${NAME} listens on http://127.0.0.1:`);
  expect(stderr).toContain('It watches coordinator.example/ledger.');
  expect(stderr).toMatch(
    /--witness 'http:\/\/127\.0\.0\.1:\d+=witness\.example\/alice\+[0-9a-f]{8}\+[\w+/]{44}'/,
  );
});

test('the witness cosigns until a signal, and prints each log once', async () => {
  const { exitCode, events } = await during(['--name', NAME, ...LOG], async url => {
    await addCheckpoint(url, await log.request(0, 10));
    await addCheckpoint(url, await log.request(10, 25));
    await addCheckpoint(url, 'nothing');
  });
  expect(exitCode).toBe(0);
  expect(events).toEqual([
    expect.objectContaining({ event: 'started', name: NAME, logs: [log.key.name] }),
    expect.objectContaining({ event: 'cosigned', origin: log.key.name, old: 0, size: 10 }),
  ]);
});

test('with --verbose every request is printed', async () => {
  const { events } = await during(['--name', NAME, ...LOG, '--verbose'], async url => {
    await addCheckpoint(url, await log.request(0, 10));
    await addCheckpoint(url, await log.request(10, 25));
    await addCheckpoint(url, 'nothing');
  });
  expect(events.slice(1)).toMatchObject([
    { event: 'cosigned', size: 10 },
    { event: 'cosigned', size: 25 },
    { event: 'refused', code: 'MALFORMED' },
  ]);
});

test('a fork is always printed, with its proof', async () => {
  const { events } = await during(['--name', NAME, ...LOG], async url => {
    await addCheckpoint(url, await log.request(0, 10));
    await addCheckpoint(url, await log.forkedAt(4).request(10, 10));
  });
  expect(events.at(-1)).toMatchObject({
    event: 'refused',
    code: 'FORK',
    origin: log.key.name,
    evidence: expect.stringContaining(folder),
  });
});

test('on a terminal a fork is a line', async () => {
  const printed = Promise.withResolvers<void>();
  const started = Promise.withResolvers<void>();
  const signal = Promise.withResolvers<(signal: NodeJS.Signals) => void>();
  const { events } = await during(['--name', NAME, ...LOG], url => addCheckpoint(url, ''));
  expect(events).toHaveLength(1);
  const port = new URL(events[0].url).port;
  const ended = aitbc(['witness', '--data', join(folder, 'witness'), '--port', port, ...LOG], {
    signal: send => {
      signal.resolve(send);
      started.resolve();
    },
    onOutput: text => text.includes('FORK') && printed.resolve(),
  });
  await started.promise;
  await addCheckpoint(events[0].url, await log.request(0, 10));
  await addCheckpoint(events[0].url, await log.forkedAt(4).request(10, 10));
  await printed.promise;
  (await signal.promise)('SIGTERM');
  const { stdout } = await ended;
  expect(stdout).toMatch(/coordinator\.example\/ledger cosigned, from size 0 to 10\n/);
  expect(stdout).toMatch(
    /coordinator\.example\/ledger REFUSED, FORK: .* are in \S+fork-[0-9a-f]{64}\.txt: publish/,
  );
});

test('options can be set in the environment, several logs separated by spaces', async () => {
  const other = testLog({ origin: 'other.example/log', seed: 3 });
  vi.stubEnv('AITBC_WITNESS_NAME', NAME);
  vi.stubEnv('AITBC_WITNESS_LOG', `${log.vkey} ${other.vkey}`);
  const { events } = await during([], async () => {});
  expect(events[0]).toMatchObject({ name: NAME, logs: [log.key.name, other.key.name] });
});

test('by default the witness listens on the loopback address and keeps its data in the current folder', async () => {
  const { stdout } = await aitbc(['witness', '--help']);
  expect(stdout).toContain('default: "./witness"');
  const before = process.cwd();
  process.chdir(folder);
  try {
    const { exitCode } = await aitbc(['witness', '--name', NAME, ...LOG, '--port', '0'], {
      signal: send => send('SIGTERM'),
    });
    expect({ exitCode, files: (await readdir(join(folder, 'witness'))).sort() }).toEqual({
      exitCode: 0,
      files: ['witness-key.pem', 'witness.db'],
    });
  } finally {
    process.chdir(before);
  }
});

test.each([
  ['no log', ['--name', NAME], 'A witness needs a log to watch: --log-from'],
  ['a key that is none', ['--log', 'nothing'], 'A coordinator shows its own at /ledger/vkey'],
  ['an address that is none', ['--log-from', 'coordinator.example'], 'an address such as https://'],
  ['a port that is none', ['--port', '65536'], 'It must be from 0 to 65535'],
])('%s is a wrong call', async (_, argv, message) => {
  const { exitCode, stderr } = await witness(argv);
  expect({ exitCode, stderr }).toEqual({ exitCode: 2, stderr: expect.stringContaining(message) });
});

test('a first start without a name fails and says what is missing', async () => {
  const { exitCode, stderr } = await witness(LOG);
  expect({ exitCode, stderr }).toEqual({
    exitCode: 1,
    stderr: expect.stringContaining('--name witness.example/alice'),
  });
});

test('a port that is taken is a wrong call', async () => {
  const argv = ['--name', NAME, ...LOG];
  await during(argv, async url => {
    const { port } = new URL(url);
    const other = join(folder, 'other');
    const { exitCode, stderr } = await aitbc(['witness', ...argv, '--data', other, '--port', port]);
    expect({ exitCode, stderr }).toEqual({
      exitCode: 2,
      stderr: expect.stringContaining('choose another --port'),
    });
  });
});

test('the help has examples', async () => {
  const { exitCode, stdout } = await aitbc(['witness', '--help']);
  expect({ exitCode, stdout }).toEqual({
    exitCode: 0,
    stdout: expect.stringContaining('$ aitbc witness --name witness.example/alice --log-from https://'),
  });
});
