import { expect, test } from 'vitest';
import { aitbc } from './terminal.ts';

const NOWHERE = 'http://127.0.0.1:2';

test('help goes to the standard output and is no failure', async () => {
  const { exitCode, stdout, stderr } = await aitbc(['--help']);
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  expect(stdout).toContain('Usage: aitbc');
});

test.each([['submit'], ['jobs'], ['miners'], ['stats'], ['receipt'], ['ledger']])(
  'the help of %s names the global options',
  async command => {
    const { stdout } = await aitbc([command, '--help']);
    expect(stdout).toContain('--coordinator <url>');
  },
);

test.each([
  ['no command', []],
  ['an unknown command', ['nope']],
  ['an unknown option', ['stats', '--nope']],
  ['a missing prompt', ['submit']],
  ['an empty prompt', ['submit', '']],
  ['a temperature that is no number', ['submit', 'p', '--temperature', 'hot']],
  ['a fraction of a token', ['submit', 'p', '--max-tokens', '1.5']],
  ['a parameter without a value', ['submit', 'p', '--param', 'seed']],
  ['a status that does not exist', ['jobs', 'list', '--status', 'done']],
  ['a list of no jobs', ['jobs', 'list', '--limit', '0']],
  ['a coordinator that is no URL', ['stats', '--coordinator', 'localhost:8000']],
])('%s is a wrong call', async (_, argv) => {
  const { exitCode, stdout, stderr } = await aitbc(argv);
  expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
  expect(stderr).not.toBe('');
});

test('with --json a wrong call is an error in JSON', async () => {
  const { stderr } = await aitbc(['stats', '--nope', '--json']);
  expect(JSON.parse(stderr)).toEqual({ error: { detail: "error: unknown option '--nope'" } });
});

test('the error names a coordinator that does not answer, with advice', async () => {
  const { exitCode, stderr } = await aitbc(['stats', '--coordinator', NOWHERE]);
  expect(exitCode).toBe(1);
  expect(stderr).toContain(NOWHERE);
  expect(stderr).toContain('npx aitbc serve');
});

test('the coordinator can be named by the environment', async () => {
  const { stderr } = await aitbc(['stats'], { env: { AITBC_COORDINATOR: NOWHERE } });
  expect(stderr).toContain(NOWHERE);
});

test('the command line overrides the environment', async () => {
  const env = { AITBC_COORDINATOR: 'http://127.0.0.1:3' };
  const { stderr } = await aitbc(['stats', '--coordinator', NOWHERE], { env });
  expect(stderr).toContain(NOWHERE);
});
