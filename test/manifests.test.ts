import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { satisfies, validRange } from 'semver';
import { expect, test } from 'vitest';
import { readChanges } from '../scripts/changelog.ts';
import { PUBLISHED, publishedManifest, ROOT, readManifest } from '../scripts/packages.ts';

/** `npm run test:packages` builds, packs and uses what these tests check. */
const folders = globSync('packages/*/package.json', { cwd: ROOT }).map(path => dirname(path));
const { version } = readManifest('.');

interface Locked {
  link?: boolean;
  version?: string;
  engines?: { node?: string };
}

const locked: Record<string, Locked> = JSON.parse(
  readFileSync(join(ROOT, 'package-lock.json'), 'utf8'),
).packages;

test('every package has the one version, and asks for the others in it', () => {
  const asked = ['.', ...folders].flatMap(folder => {
    const manifest = readManifest(folder);
    const ours = Object.entries(manifest.dependencies ?? {}).filter(([name]) => name.startsWith('@aitbc/'));
    return [[manifest.name, manifest.version], ...ours];
  });
  expect(asked.filter(([, asks]) => asks !== version)).toEqual([]);
});

test('every package is published, or part of one that is', () => {
  expect(PUBLISHED.flatMap(({ sources }) => sources).sort()).toEqual(folders.sort());
});

test.each(PUBLISHED)(
  '$name exports what it builds, has a README, and asks for nothing that is private',
  published => {
    const manifest = publishedManifest(published);
    expect(manifest).toMatchObject({ license: 'MIT', type: 'module', engines: { node: expect.any(String) } });
    expect(manifest).not.toHaveProperty('private');
    expect(existsSync(join(ROOT, published.folder, 'README.md'))).toBe(true);
    expect(published.entries.filter(({ source }) => !existsSync(join(ROOT, source)))).toEqual([]);
    const exported = Object.keys(manifest.exports).filter(subpath => subpath !== './package.json');
    expect(exported).toEqual(expect.arrayContaining(Object.keys(readManifest(published.folder).exports)));
    const ours = Object.keys(manifest.dependencies ?? {}).filter(name => name.startsWith('@aitbc/'));
    expect(ours.filter(name => !PUBLISHED.some(({ name: of }) => of === name))).toEqual([]);
  },
);

test('everything that npm installs here runs on the Node.js 20 that npm may run on', () => {
  const unfit = Object.entries(locked).filter(([, { engines }]) => {
    const range = validRange(engines?.node ?? '*');
    return range !== null && !satisfies('20.19.0', range);
  });
  expect(unfit.map(([path, { version, engines }]) => `${path} ${version}: ${engines?.node}`)).toEqual([]);
});

test('the changes of a version are its section of the changelog, or what is not released yet', () => {
  const changelog =
    '# Changelog\n\n## Unreleased\n\n- c\n\n## 0.2.0 (2026-12-01)\n\n- b\n\n## 0.1.0\n\n- a\n';
  expect(readChanges(changelog, '0.2.0')).toBe('# 0.2.0\n\n- b\n');
  expect(readChanges(changelog, '0.3.0')).toBe('# 0.3.0\n\n- c\n');
  expect(() => readChanges('# Changelog\n', '0.3.0')).toThrow('0.3.0');
});
