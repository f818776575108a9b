import type { ClientOptions } from '@aitbc/sdk';
import ora from 'ora';

export interface Output {
  write(text: string): unknown;
  isTTY?: boolean;
}

/** Says on a terminal what is being waited for. */
export interface Spinner {
  update(text: string): void;
  stop(): void;
}

/** All that a command has of the world, so that it can run inside a test. */
export interface Io {
  /** For results. */
  stdout: Output;
  /** For everything else. */
  stderr: Output;
  stdin: AsyncIterable<Uint8Array | string>;
  env: Record<string, string | undefined>;
  /** How requests are sent, where it is not the usual way. */
  client?: ClientOptions;
  spinner(text: string): Spinner;
  /** Calls back on the first Ctrl-C; a second one ends the process. Returns how to unsubscribe. */
  onInterrupt(listener: () => void): () => void;
  /** Calls back on each SIGTERM and SIGINT. Returns how to unsubscribe. */
  onSignal(listener: (signal: NodeJS.Signals) => void): () => void;
}

export function processIo(): Io {
  process.stdout.on('error', leaveWhenNobodyReads);
  return {
    stdout: process.stdout,
    stderr: process.stderr,
    stdin: process.stdin,
    env: process.env,
    spinner: text => (process.stderr.isTTY ? terminalSpinner(text) : { update() {}, stop() {} }),
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
  const spinner = ora({ text, stream: process.stderr, discardStdin: false }).start();
  return {
    update(text) {
      spinner.text = text;
    },
    stop: () => spinner.stop(),
  };
}

function leaveWhenNobodyReads(error: NodeJS.ErrnoException) {
  if (error.code !== 'EPIPE') throw error;
  process.exit(0);
}
