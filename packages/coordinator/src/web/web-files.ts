import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The built web app. */
export interface WebFiles {
  folder: string;
  /** The page, which is the same for all paths. */
  page: string;
  /** The names of the files in the folder's `assets`. Each is there in several encodings. */
  assets: ReadonlySet<string>;
}

/**
 * Reads the built web app, and writes into its page whether requests need a key. Returns undefined where it was not built.
 */
export async function readWebFiles({ open }: { open: boolean }): Promise<WebFiles | undefined> {
  const folder = webFolders().find(folder => existsSync(join(folder, 'index.html')));
  if (folder === undefined) return undefined;
  const page = await readFile(join(folder, 'index.html'), 'utf8');
  const names = await readdir(join(folder, 'assets'));
  return {
    folder,
    assets: new Set(names.filter(name => !/\.(br|gz)$/.test(name))),
    page: page.replace('data-keys="unknown"', `data-keys="${open ? 'none' : 'required'}"`),
  };
}

/** In the published package the files are beside the program, and in the checkout in the package that is built. */
function webFolders(): string[] {
  const beside = fileURLToPath(new URL('./web', import.meta.url));
  try {
    const manifest = createRequire(import.meta.url).resolve('@aitbc/web/package.json');
    return [beside, join(dirname(manifest), 'dist')];
  } catch {
    return [beside];
  }
}
