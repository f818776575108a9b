import { cp, rename, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { buildPackages } from './build.ts';
import { PUBLISHED, publishedManifest, ROOT } from './packages.ts';
import { restoreCheckout } from './postpack.ts';

/*
 * npm runs this in the folder of a package before it packs it: builds the package, and puts the manifest of its tarball in
 * place of that of the checkout. `postpack` takes it back.
 */
const folder = process.cwd();
const found = PUBLISHED.find(published => published.folder === relative(ROOT, folder));
if (!found) throw new Error(`${folder} is no package that is published`);
await restoreCheckout(folder);
await buildPackages([found]);
await cp(join(ROOT, 'LICENSE'), join(folder, 'LICENSE'));
const manifest = `${JSON.stringify(publishedManifest(found), null, 2)}\n`;
await cp(join(folder, 'package.json'), join(folder, 'package.json.checkout'));
await writeFile(join(folder, 'package.json.packed'), manifest);
await rename(join(folder, 'package.json.packed'), join(folder, 'package.json'));
