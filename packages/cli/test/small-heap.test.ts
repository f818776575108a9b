import { expect, test } from 'vitest';
import { boundYoungGeneration, isServer } from '../src/small-heap.ts';

/** Runs `boundYoungGeneration` for a command line, and returns the arguments that Node.js would be started with again. */
function restarted(
  command: string[],
  given: { execArgv?: string[]; options?: string; connected?: boolean } = {},
) {
  let again: readonly string[] | undefined;
  boundYoungGeneration({
    argv: ['/bin/node', '/lib/main.js', ...command],
    execArgv: given.execArgv ?? [],
    execPath: '/bin/node',
    env: { NODE_OPTIONS: given.options },
    connected: given.connected ?? false,
    execve(_path, args) {
      again = args;
      return undefined as never;
    },
  });
  return again;
}

test('a server is started with a bound on its young generation', () => {
  const options = ['--max-semi-space-size=16', '--expose-gc'];
  expect(restarted(['serve', '--port', '0'])).toEqual([
    ...['/bin/node', ...options, '/lib/main.js', 'serve', '--port', '0'],
  ]);
  expect(restarted(['--json', 'serve'], { execArgv: ['--cpu-prof'] })).toEqual([
    ...['/bin/node', '--cpu-prof', ...options, '/lib/main.js', '--json', 'serve'],
  ]);
});

test('bounds of the operator are left alone, and so is a channel to the parent', () => {
  expect(restarted(['serve'], { execArgv: ['--max-semi-space-size=16'] })).toBeUndefined();
  expect(restarted(['serve'], { options: '--max-semi-space-size=64' })).toBeUndefined();
  expect(restarted(['serve'], { connected: true })).toBeUndefined();
});

test('a server is known by its command', () => {
  const commands = [['serve'], ['--json', 'serve'], ['submit', 'serve'], ['--version'], []];
  const servers = commands.filter(command => isServer(['/bin/node', '/lib/main.js', ...command]));
  expect(servers).toEqual([['serve'], ['--json', 'serve']]);
});
