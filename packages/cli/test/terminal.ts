import { Writable } from 'node:stream';
import type { Io } from '../src/index.ts';
import { runCli } from '../src/index.ts';

export interface Terminal {
  env?: Record<string, string>;
  stdin?: string | Uint8Array;
  isTTY?: boolean;
  /** Receives the callback that Ctrl-C would call. */
  interrupt?: (pressed: () => void) => void;
  /** Receives the callback that a signal would call. */
  signal?: (send: (signal: NodeJS.Signals) => void) => void;
  /** Called with each printed piece of text. */
  onOutput?: (text: string) => void;
}

/** The last state of a progress bar. */
export interface Bar {
  label: string;
  done: number;
  total: number;
}

/** Runs a command line in this process, and returns what it printed. */
export async function aitbc(argv: readonly string[], terminal: Terminal = {}) {
  const printed = { stdout: '', stderr: '', spun: [] as string[], bars: [] as Bar[] };
  const bytes: Uint8Array[] = [];
  const { env = {}, stdin = '', isTTY = false, interrupt, signal, onOutput } = terminal;
  const io: Io = {
    stdout: {
      write(text) {
        printed.stdout += text;
        onOutput?.(text);
      },
      isTTY,
    },
    binaryOutput: new Writable({
      write(chunk, _encoding, done) {
        bytes.push(chunk);
        done();
      },
    }),
    stderr: { write: text => (printed.stderr += text), isTTY },
    stdin: (async function* () {
      yield stdin;
    })(),
    env,
    client: { sleep: async () => {} },
    spinner(text) {
      printed.spun.push(text);
      return { update: text => printed.spun.push(text), stop() {} };
    },
    progressBar(label, total) {
      const bar = { label, done: 0, total };
      printed.bars.push(bar);
      return { advance: by => (bar.done += by), stop() {} };
    },
    onInterrupt(listener) {
      interrupt?.(listener);
      return () => {};
    },
    onSignal(listener) {
      signal?.(listener);
      return () => {};
    },
  };
  const exitCode = await runCli(argv, io);
  return { exitCode, ...printed, bytes: Buffer.concat(bytes) };
}
