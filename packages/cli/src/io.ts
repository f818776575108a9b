import type { Writable } from 'node:stream';
import type { ClientOptions } from '@aitbc/sdk';
import { SingleBar } from 'cli-progress';
import ora from 'ora';
import { printable } from './printable.ts';

export interface TextOutput {
  write(text: string): unknown;
  isTTY?: boolean;
}

/** Shows on a terminal what the command waits for. */
export interface Spinner {
  update(text: string): void;
  stop(): void;
}

/** Shows on a terminal how far the work is. */
export interface ProgressBar {
  advance(by: number): void;
  stop(): void;
}

/** Everything that a command uses of its environment, so that tests can run it in their own process. */
export interface Io {
  /** For results. */
  stdout: TextOutput;
  /** For results that are not text. */
  binaryOutput: Writable;
  /** For everything else. */
  stderr: TextOutput;
  stdin: AsyncIterable<Uint8Array | string>;
  env: Record<string, string | undefined>;
  /** Options of the clients that commands create, for tests. */
  client?: ClientOptions;
  spinner(text: string): Spinner;
  /** `total` is in the unit of `advance`. */
  progressBar(label: string, total: number): ProgressBar;
  /** Calls back on the first Ctrl-C; a second one ends the process. Returns a function to unsubscribe. */
  onInterrupt(listener: () => void): () => void;
  /** Calls back on each SIGTERM and SIGINT. Returns a function to unsubscribe. */
  onSignal(listener: (signal: NodeJS.Signals) => void): () => void;
}

export function processIo(): Io {
  process.stdout.on('error', leaveWhenNobodyReads);
  // A failed write of a remark, as on a full disk, must not end the command.
  process.stderr.on('error', () => {});
  return {
    stdout: process.stdout,
    binaryOutput: process.stdout,
    stderr: process.stderr,
    stdin: process.stdin,
    env: process.env,
    spinner: text => (process.stderr.isTTY ? terminalSpinner(text) : { update() {}, stop() {} }),
    progressBar: (label, total) =>
      process.stderr.isTTY ? terminalBar(label, total) : { advance() {}, stop() {} },
    onInterrupt(listener) {
      process.once('SIGINT', listener);
      return () => process.off('SIGINT', listener);
    },
    onSignal(listener) {
      process.on('SIGTERM', listener).on('SIGINT', listener);
      return () => process.off('SIGTERM', listener).off('SIGINT', listener);
    },
  };
}

function terminalSpinner(text: string): Spinner {
  const spinner = ora({ text: printable(text), stream: process.stderr, discardStdin: false }).start();
  return {
    update(text) {
      spinner.text = printable(text);
    },
    stop: () => spinner.stop(),
  };
}

function terminalBar(label: string, total: number): ProgressBar {
  const format = `${label} {bar} {percentage} % of ${total.toLocaleString('en')}, {eta_formatted} to go`;
  const bar = new SingleBar({ format, stream: process.stderr, clearOnComplete: true });
  bar.start(total, 0);
  return { advance: by => bar.increment(by), stop: () => bar.stop() };
}

function leaveWhenNobodyReads(error: NodeJS.ErrnoException) {
  if (error.code !== 'EPIPE') throw error;
  process.exit(0);
}
