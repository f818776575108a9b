import { chmodSync, closeSync, openSync, statSync } from 'node:fs';
import { ConfigError } from '../option.ts';

const OWNER_ONLY = 0o600;
const GROUP_AND_OTHERS = 0o077;

/** Creates the file unless it exists, and lets only its owner read and write it. */
export function ensurePrivateFile(path: string): void {
  closeSync(openSync(path, 'a', OWNER_ONLY));
  // An older version, or an operator, may have created the file with other permissions.
  if (isReadableByOthers(path)) chmodSync(path, OWNER_ONLY);
}

/**
 * Checks that only its owner can read a file with a secret.
 *
 * @throws {ConfigError} where others can read it; the message has the command that fixes it
 */
export function requirePrivate(path: string): void {
  if (!isReadableByOthers(path)) return;
  throw new ConfigError(`${path} holds a secret, and others can read it: run \`chmod 600 ${path}\``);
}

/** Always false on Windows, which has no such modes: files inherit their folder's permissions. */
const isReadableByOthers = (path: string) =>
  process.platform !== 'win32' && (statSync(path).mode & GROUP_AND_OTHERS) !== 0;
