import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, statfsSync } from 'node:fs';
import { join } from 'node:path';

const MEMORY = '/dev/shm';
const PREFIX = 'aitbc-tests-';

/** A run fills less than half of that. */
const NEEDED_BYTES = 4 * 2 ** 30;

/**
 * Lets the tests of this process, and of those that it starts, have their files in memory: what they wait for most is
 * that a disk has synced. What survives a killed process is the same there. Where there is too little memory, or none that
 * programs may be run from, files stay in the usual folder.
 */
export function keepFilesInMemory(): void {
  if (process.env.TMPDIR !== undefined || !hasRoom()) return;
  removeOld();
  process.env.TMPDIR = join(MEMORY, `${PREFIX}${process.pid}`);
  mkdirSync(process.env.TMPDIR, { recursive: true });
  // PostgreSQL runs as another user.
  chmodSync(process.env.TMPDIR, 0o1777);
}

/** Removes what `keepFilesInMemory` has made in this process. */
export function removeFilesInMemory(): void {
  rmSync(join(MEMORY, `${PREFIX}${process.pid}`), { recursive: true, force: true });
}

function hasRoom(): boolean {
  try {
    const { bavail, bsize } = statfsSync(MEMORY);
    const memory = /^MemAvailable: +(\d+) kB$/m.exec(readFileSync('/proc/meminfo', 'utf8'));
    const mount = readFileSync('/proc/mounts', 'utf8').match(/^\S+ \/dev\/shm tmpfs (\S+)/m);
    const isExecutable = !mount?.[1]?.split(',').includes('noexec');
    return isExecutable && Math.min(bavail * bsize, Number(memory?.[1]) * 1024) > NEEDED_BYTES;
  } catch {
    return false;
  }
}

/** Runs that were killed have left theirs. */
function removeOld(): void {
  for (const name of readdirSync(MEMORY)) {
    const pid = name.startsWith(PREFIX) ? Number(name.slice(PREFIX.length)) : Number.NaN;
    if (!Number.isNaN(pid) && !isAlive(pid)) rmSync(join(MEMORY, name), { recursive: true, force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
