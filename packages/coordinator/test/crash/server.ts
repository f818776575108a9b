import { type ChildProcess, spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { inject } from 'vitest';
import type { DatabaseOptions } from '../harness/engines.ts';

export const MAIN = inject('programs').main;

/** A coordinator in a process of its own, as an operator runs it. */
export interface ServerProcess {
  child: ChildProcess;
  /** What it has written to standard error so far. */
  stderr(): string;
  /** Resolves when it has written this, to standard output or error. Rejects when it ends before that. */
  says(text: string): Promise<void>;
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

/** Runs `aitbc serve` on a free port, and silently, unless `args` say otherwise. */
export function spawnServer(
  { data, databaseUrl }: DatabaseOptions,
  { args = [], env = {} }: ServerOptions = {},
): ServerProcess {
  const database = databaseUrl === undefined ? [] : ['--database-url', databaseUrl];
  const argv = [MAIN, 'serve', '--port', '0', '--data', data, ...database, '--log-level', 'silent', ...args];
  const child = spawn(process.execPath, argv, {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stderr = '';
  let all = '';
  const written = new EventEmitter().setMaxListeners(Infinity);
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      all += text;
      written.emit('text');
    });
  }
  const exited = once(child, 'close').then(([code]) => code as number | null);
  void exited.then(() => written.emit('text'));

  async function seen(pattern: RegExp): Promise<string> {
    for (;;) {
      const match = pattern.exec(all);
      if (match) return match[1] ?? match[0];
      if (child.exitCode !== null || child.signalCode !== null)
        throw new Error(`The server ended with ${child.exitCode}: ${stderr}`);
      await once(written, 'text');
    }
  }

  const listening = seen(LISTENS);
  // Who only waits for its end does not ask where it listens.
  listening.catch(() => {});
  return {
    child,
    stderr: () => stderr,
    says: async text => void (await seen(new RegExp(RegExp.escape(text)))),
    listening,
    exited,
  };
}
