import { chmodSync, closeSync, openSync, statSync } from 'node:fs';
import { ConfigError } from '../option.ts';

const OWNER_ONLY = 0o600;
const OTHERS = 0o077;

/** Makes a file that nobody but its owner reads and writes, whatever its folder lets others do, unless it is there. */
export function keepPrivate(path: string): void {
  closeSync(openSync(path, 'a', OWNER_ONLY));
  // One that was made by an older version, or by hand.
  if (isShared(path)) chmodSync(path, OWNER_ONLY);
}

/**
 * Refuses a secret that others can read: they may have done so already.
 *
 * @throws {ConfigError} with the command that mends it
 */
export function requirePrivate(path: string): void {
  if (!isShared(path)) return;
  throw new ConfigError(
    `${path} can be read by others, and holds a secret: \`chmod 600 ${path}\` keeps them out`,
  );
}

/** Windows has no such modes: a file there has what its folder has. */
const isShared = (path: string) => process.platform !== 'win32' && (statSync(path).mode & OTHERS) !== 0;
