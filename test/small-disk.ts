import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A small file system in memory. */
export interface SmallDisk {
  path: string;
  /** Uses up all free space. */
  fill(): void;
  /** Frees the space that `fill` uses. */
  free(): void;
  /** Makes it read-only. No file in it may be open for writing. */
  makeReadOnly(): void;
  remove(): void;
}

/**
 * Why small disks can not be created here; undefined when they can. Mounting needs rights that a developer's
 * machine may not give. CI must give them.
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

/** @param owner the owner of the disk; default: the user of this process */
export function createSmallDisk({ megabytes, owner }: { megabytes: number; owner?: number }): SmallDisk {
  const path = mkdtempSync(join(tmpdir(), 'aitbc-disk-'));
  const uid = owner ?? statSync(path).uid;
  const options = `size=${megabytes}m,mode=0700,uid=${uid},huge=never`;
  run('mount', '-t', 'tmpfs', '-o', options, 'tmpfs', path);
  const ballast = join(path, 'ballast');
  return {
    path,
    fill() {
      // The files become smaller, down to one page.
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
