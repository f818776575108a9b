import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../../../cli/src/main.ts', import.meta.url));

/** A coordinator in a process of its own, as an operator runs it. */
export interface ServerProcess {
  child: ChildProcess;
  /** What it has written to standard error so far. */
  stderr(): string;
  /** Where it listens. Rejects when it ends before that. */
  listening: Promise<string>;
  /** Resolves when the process is gone, with its exit code; null after a signal that killed it. */
  exited: Promise<number | null>;
}

export interface ServerOptions {
  args?: readonly string[];
  env?: Record<string, string>;
}

const LISTENS = /listens on (http:\/\/\S+?),/;

/** Runs `aitbc serve` on a free port unless `args` name another. */
export function spawnServer(data: string, { args = [], env = {} }: ServerOptions = {}): ServerProcess {
  const argv = [MAIN, 'serve', '--port', '0', '--data', data, '--log-level', 'silent', ...args];
  const child = spawn(process.execPath, argv, {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let stderr = '';
  const exited = once(child, 'close').then(([code]) => code as number | null);
  const listening = new Promise<string>((resolve, reject) => {
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
      const url = LISTENS.exec(stderr)?.[1];
      if (url !== undefined) resolve(url);
    });
    void exited.then(code => reject(new Error(`The server ended with ${code}: ${stderr}`)));
  });
  // Who only waits for its end does not ask where it listens.
  listening.catch(() => {});
  return { child, stderr: () => stderr, listening, exited };
}
