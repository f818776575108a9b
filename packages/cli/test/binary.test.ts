import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { withCoordinator } from './coordinator.ts';

const BINARY = fileURLToPath(new URL('../bin/aitbc.mjs', import.meta.url));
const MAIN = fileURLToPath(new URL('../src/main.ts', import.meta.url));
const run = promisify(execFile);

const coordinator = withCoordinator();

test('the binary submits a job and exits with 0', async () => {
  const argv = [BINARY, 'submit', 'Hello!', '--coordinator', coordinator.url];
  const { stdout } = await run(process.execPath, argv);
  expect(await coordinator.client.jobs.get(stdout.trim())).toMatchObject({ prompt: 'Hello!' });
});

test('the binary reads a prompt from a pipe', async () => {
  const child = spawn(process.execPath, [BINARY, 'submit', '-', '--json', '--coordinator', coordinator.url]);
  child.stdin.end('piped\n');
  const text = (await Array.fromAsync(child.stdout)).join('');
  expect(JSON.parse(text)).toMatchObject({ prompt: 'piped' });
});

test('a wrong call of the binary exits with 2', async () => {
  await expect(run(process.execPath, [BINARY, 'nope'])).rejects.toMatchObject({ code: 2 });
});

test('the main file is the same command', async () => {
  const { stdout } = await run(process.execPath, [MAIN, '--version']);
  expect(stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
});

test('Ctrl-C ends the binary with 130 and leaves the job', async () => {
  const child = spawn(process.execPath, [BINARY, 'submit', 'Hello!', '--model', 'left', '--wait'], {
    env: { ...process.env, AITBC_COORDINATOR: coordinator.url },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const lines: string[] = [];
  const stderr = createInterface(child.stderr);
  stderr.on('line', line => lines.push(line));
  await once(stderr, 'line');
  child.kill('SIGINT');
  const [exitCode] = await once(child, 'close');
  const [job] = (await coordinator.client.jobs.list({ model: 'left' }).page()).items;
  expect({ exitCode, status: job?.status }).toEqual({ exitCode: 130, status: 'pending' });
  expect(lines.join('\n')).toContain(`aitbc jobs get ${job?.job_id} --wait`);
});
