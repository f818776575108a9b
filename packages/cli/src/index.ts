export type { Io, Output, Spinner } from './io.ts';
export { runCli } from './program.ts';
