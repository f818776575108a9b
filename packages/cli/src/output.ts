import type { Io } from './io.ts';
import { printable } from './printable.ts';

/** Prints text unchanged to files and pipes, and without control sequences to a terminal. */
export function print(io: Io, text: string): void {
  io.stdout.write(`${io.stdout.isTTY ? printable(text) : text}\n`);
}

/** Prints a remark to the standard error, so that it does not mix with piped results. */
export function note(io: Io, text: string): void {
  io.stderr.write(`${printable(text)}\n`);
}

export function printJson(io: Io, value: unknown): void {
  io.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
}
