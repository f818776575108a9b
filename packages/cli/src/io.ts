import type { Writable } from 'node:stream';
import type { ClientOptions } from '@aitbc/sdk';
import { SingleBar } from 'cli-progress';
import ora from 'ora';
import { printable } from './printable.ts';

export interface Output {
  write(text: string): unknown;
  isTTY?: boolean;
}

/** Says on a terminal what is being waited for. */
export interface Spinner {
  update(text: string): void;
  stop(): void;
}

/** Says on a terminal how far something is. */
export interface ProgressBar {
  advance(by: number): void;
  stop(): void;
}

/** All that a command has of the world, so that it can run inside a test. */
export interface Io {
  /** For results. */
  stdout: Output;
  /** The same, for results that are not text. */
  binaryOutput: Writable;
  /** For everything else. */
  stderr: Output;
  stdin: AsyncIterable<Uint8Array | string>;
  env: Record<string, string | undefined>;
  /** How requests are sent, where it is not the usual way. */
  client?: ClientOptions;
  spinner(text: string): Spinner;
  /** `total` is in what it advances by. */
  progressBar(label: string, total: number): ProgressBar;
  /** Calls back on the first Ctrl-C; a second one ends the process. Returns how to unsubscribe. */
  onInterrupt(listener: () => void): () => void;
  /** Calls back on each SIGTERM and SIGINT. Returns how to unsubscribe. */
  onSignal(listener: (signal: NodeJS.Signals) => void): () => void;
}

export function processIo(): Io {
  process.stdout.on('error', leaveWhenNobodyReads);
  // Remarks that can't be written, as on a full disk, must not end what they are about.
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
