import { execFile } from 'node:child_process';
import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type Manifest, ROOT } from './packages.ts';

/*
 * Gives all packages a version, and heads with it what CHANGELOG.md has as unreleased.
 *
 *   npm run set-version -- 0.3.0
 */
const [version = ''] = process.argv.slice(2);
if (!/^\d+\.\d+\.\d+(-[0-9a-z.-]+)?$/.test(version)) throw new Error('usage: npm run set-version -- 0.3.0');

for (const name of ['package.json', ...globSync('packages/*/package.json', { cwd: ROOT })]) {
  const path = join(ROOT, name);
  const manifest: Manifest = JSON.parse(readFileSync(path, 'utf8'));
  manifest.version = version;
  const { dependencies = {} } = manifest;
  for (const ours of Object.keys(dependencies).filter(name => name.startsWith('@aitbc/')))
    dependencies[ours] = version;
  writeFileSync(path, `${JSON.stringify(manifest, null, 2)}\n`);
}
const changelog = join(ROOT, 'CHANGELOG.md');
const today = new Date().toISOString().slice(0, 10);
const text = readFileSync(changelog, 'utf8');
if (!text.includes(`\n## ${version} `))
  writeFileSync(changelog, text.replace(/^## Unreleased$/m, `## Unreleased\n\n## ${version} (${today})`));
await promisify(execFile)('npm', ['install', '--package-lock-only', '--ignore-scripts'], { cwd: ROOT });
