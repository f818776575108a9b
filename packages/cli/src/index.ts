export type { Io, Spinner, TextOutput } from './io.ts';
export { runCli } from './program.ts';
