import type { Writable } from 'node:stream';
import type { ClientOptions } from '@aitbc/sdk';
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

/** Libraries that draw are loaded when something is drawn: a server never does. */
function terminalSpinner(text: string): Spinner {
  let shown = text;
  const drawn = draw(async () => {
    const { default: ora } = await import('ora');
    return ora({ text: printable(shown), stream: process.stderr, discardStdin: false }).start();
  });
  return {
    update(text) {
      shown = text;
      drawn.change(spinner => {
        spinner.text = printable(text);
      });
    },
    stop: () => drawn.stop(),
  };
}

function terminalBar(label: string, total: number): ProgressBar {
  const format = `${label} {bar} {percentage} % of ${total.toLocaleString('en')}, {eta_formatted} to go`;
  let done = 0;
  const drawn = draw(async () => {
    const { default: progress } = await import('cli-progress');
    const bar = new progress.SingleBar({ format, stream: process.stderr, clearOnComplete: true });
    bar.start(total, done);
    return bar;
  });
  return {
    advance(by) {
      done += by;
      drawn.change(bar => bar.update(done));
    },
    stop: () => drawn.stop(),
  };
}

/** Starts to draw as soon as the library is loaded, unless it was stopped before. */
function draw<Drawing extends { stop(): unknown }>(start: () => Promise<Drawing>) {
  let drawing: Drawing | undefined;
  let isStopped = false;
  start().then(started => {
    drawing = started;
    if (isStopped) started.stop();
  });
  return {
    change(how: (drawing: Drawing) => void) {
      if (drawing) how(drawing);
    },
    stop() {
      isStopped = true;
      drawing?.stop();
    },
  };
}

function leaveWhenNobodyReads(error: NodeJS.ErrnoException) {
  if (error.code !== 'EPIPE') throw error;
  process.exit(0);
}
