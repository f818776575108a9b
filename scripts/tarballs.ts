import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { buildPackages } from './build.ts';
import { PUBLISHED, type PublishedPackage, publishedManifest, ROOT } from './packages.ts';

const run = promisify(execFile);

/**
 * Builds all packages and packs them, from copies: the checkout stays as it is for whoever uses it meanwhile.
 *
 * @returns the path of each tarball, by the name of its package
 */
export async function packAll(into: string): Promise<Record<string, string>> {
  await mkdir(into, { recursive: true });
  await buildPackages(PUBLISHED);
  const packed = await Promise.all(
    PUBLISHED.map(async published => [published.name, await pack(published, into)] as const),
  );
  return Object.fromEntries(packed);
}

async function pack(of: PublishedPackage, into: string): Promise<string> {
  const copy = await mkdtemp(join(tmpdir(), 'aitbc-pack-'));
  try {
    for (const name of ['dist', 'bin', 'README.md'].filter(name => existsSync(join(ROOT, of.folder, name))))
      await cp(join(ROOT, of.folder, name), join(copy, name), { recursive: true });
    await cp(join(ROOT, 'LICENSE'), join(copy, 'LICENSE'));
    const manifest = publishedManifest(of);
    await writeFile(join(copy, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);
    const options = ['--ignore-scripts', '--json', '--pack-destination', into];
    const { stdout } = await run('npm', ['pack', ...options], { cwd: copy });
    return join(into, filenameOf(JSON.parse(stdout)));
  } finally {
    await rm(copy, { recursive: true });
  }
}

/** npm answers a list of packages, and since its 12th version an object. */
function filenameOf(answer: Packed[] | Record<string, Packed>): string {
  const [packed] = Object.values(answer);
  if (!packed) throw new Error('npm has packed nothing');
  return packed.filename;
}

interface Packed {
  filename: string;
}
