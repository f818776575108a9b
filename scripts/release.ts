import { createHash } from 'node:crypto';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { readChanges } from './changelog.ts';
import { PUBLISHED, ROOT, readManifest } from './packages.ts';
import { packAll } from './tarballs.ts';

/*
 * Makes in `release/` what is given out of a version: a tarball of each package, their checksums and what has changed.
 *
 *   npm run release
 */
const { version } = readManifest('.');
const other = PUBLISHED.find(({ folder }) => readManifest(folder).version !== version);
if (other)
  throw new Error(`${other.name} is not of the version ${version}: npm run set-version -- ${version}`);

const into = join(ROOT, 'release');
await rm(into, { recursive: true, force: true });
const changes = readChanges(await readFile(join(ROOT, 'CHANGELOG.md'), 'utf8'), version);
const tarballs = Object.values(await packAll(into));
const sums = await Promise.all(
  tarballs.map(async path => {
    const sum = createHash('sha256')
      .update(await readFile(path))
      .digest('hex');
    return `${sum}  ${basename(path)}\n`;
  }),
);
await writeFile(join(into, 'SHA256SUMS'), sums.join(''));
await writeFile(join(into, `CHANGES-${version}.md`), changes);
for (const path of tarballs) console.log(`release/${basename(path)}`);
console.log(`release/SHA256SUMS\nrelease/CHANGES-${version}.md`);
