import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A file system of its own with little space, in memory. */
export interface SmallDisk {
  path: string;
  /** Takes all space that is left. */
  fill(): void;
  /** Gives back what `fill` took. */
  free(): void;
  /** From now on nothing can be written to it. Nobody may have a file in it open for writing. */
  makeReadOnly(): void;
  remove(): void;
}

/**
 * Why there are no such disks here; undefined where there are. Mounting needs rights that tests on a developer's machine may
 * lack. In CI that is no excuse.
 */
export const withoutDisks: string | undefined = process.env.CI ? undefined : reasonAgainst();

function reasonAgainst(): string | undefined {
  try {
    createSmallDisk({ megabytes: 1 }).remove();
    return undefined;
  } catch (error) {
    return `small disks can't be mounted here: ${(error as Error).message}`;
  }
}

/** @param owner of whom the disk is; the user of this process unless given */
export function createSmallDisk({ megabytes, owner }: { megabytes: number; owner?: number }): SmallDisk {
  const path = mkdtempSync(join(tmpdir(), 'aitbc-disk-'));
  const uid = owner ?? statSync(path).uid;
  const options = `size=${megabytes}m,mode=0700,uid=${uid},huge=never`;
  run('mount', '-t', 'tmpfs', '-o', options, 'tmpfs', path);
  const ballast = join(path, 'ballast');
  return {
    path,
    fill() {
      // Less and less at once, to the last page.
      for (const size of [1 << 20, 1 << 12]) {
        const bytes = Buffer.alloc(size);
        while (append(ballast, bytes));
      }
    },
    free: () => rmSync(ballast, { force: true }),
    makeReadOnly: () => run('mount', '-o', 'remount,ro', path),
    remove() {
      run('umount', '--lazy', path);
      rmdirSync(path);
    },
  };
}

function run(program: string, ...args: string[]) {
  execFileSync(program, args, { stdio: 'pipe' });
}

function append(file: string, bytes: Buffer): boolean {
  try {
    writeFileSync(file, bytes, { flag: 'a' });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
    return false;
  }
}
