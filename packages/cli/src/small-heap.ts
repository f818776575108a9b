import { join } from 'node:path';

/**
 * The most that each half of V8's young generation may take, in MiB. V8 itself takes up to 64 on a large machine, and is
 * not measurably faster. Figures: docs/decisions/0027-a-bound-on-the-young-generation.md.
 */
const SEMI_SPACE_MIB = 16;

/** Where compiled code is kept from one start to the next. Without a writable folder, each start compiles again. */
export const COMPILE_CACHE = join(import.meta.dirname, '../../../node_modules/.cache/compiled');

/** Whether a command line runs a server. Other commands end soon. */
export const isServer = (argv: readonly string[]) =>
  argv.slice(2).find(argument => !argument.startsWith('-')) === 'serve';

/**
 * Starts this program again, as the same process, with a bound on its young generation, which can only be set at the start.
 * Does nothing where the bound is set already, and where Node.js can't do it, as on Windows.
 */
export function boundYoungGeneration({ argv, execArgv, env, execPath, connected, execve }: Process): void {
  const isBound = [...execArgv, env.NODE_OPTIONS ?? ''].some(text => /semi[-_]space/.test(text));
  // A channel to a parent that forked it would be lost.
  if (isBound || connected || execve === undefined) return;
  const options = [...execArgv, `--max-semi-space-size=${SEMI_SPACE_MIB}`, '--expose-gc'];
  execve(execPath, [execPath, ...options, ...argv.slice(1)], { NODE_COMPILE_CACHE: COMPILE_CACHE, ...env });
}

type Process = Pick<NodeJS.Process, 'argv' | 'execArgv' | 'env' | 'execPath' | 'connected'> & {
  execve?: NodeJS.Process['execve'];
};

/**
 * Collects what the start of a server leaves: a third of its memory. V8 would keep it, and a young generation of the size
 * that loading the modules took, until the server has been idle for a while. Takes some 0.1 s.
 */
export function collectAfterStart(): void {
  globalThis.gc?.({ type: 'major', execution: 'sync', flavor: 'last-resort' });
}
