import { UsageError } from './failure.ts';

const HINTS: Record<string, string> = {
  EADDRINUSE: 'another program listens there, choose another --port',
  EADDRNOTAVAIL: 'this machine has no such address, choose another --host',
  ENOTFOUND: 'no such host, choose another --host',
  EACCES: 'not allowed for this user, choose another --port',
};

/** Adds advice to the error of a server that could not listen. Returns any other error unchanged. */
export function listeningError(error: unknown): unknown {
  const { code = '', message } = error as NodeJS.ErrnoException;
  const hint = HINTS[code];
  return hint === undefined ? error : new UsageError(`${message}: ${hint}`);
}
