import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { codeBlocks } from './markdown.ts';

const ROOT = join(import.meta.dirname, '..');
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');

const scripts: Record<string, string> = JSON.parse(read('package.json')).scripts;

describe.each(['CONTRIBUTING.md', 'AGENTS.md'])('%s', page => {
  const text = read(page);
  const quoted = Array.from(text.matchAll(/`([^`\n]+)`/g), ([, words = '']) => words);

  test('names files and folders that there are', () => {
    const paths = quoted.filter(words => /^(?!\/)[\w./-]+(\/|\.(ts|md|mjs|json))$/.test(words));
    expect(paths.length).toBeGreaterThan(5);
    const roots = ['', 'packages/coordinator/src/', 'packages/coordinator/src/accounts/'];
    const isThere = (path: string) => roots.some(root => existsSync(join(ROOT, root, path)));
    expect(paths.filter(path => !isThere(path))).toEqual([]);
  });

  test('names scripts that there are', () => {
    const run = quoted.flatMap(words => /^npm run ([\w:-]+)/.exec(words)?.[1] ?? []);
    expect(run.filter(name => !(name in scripts))).toEqual([]);
  });

  test('quotes sources as they are', () => {
    for (const { remark, code } of codeBlocks(text))
      if (remark !== undefined) expect(code).toBe(read(remark));
  });
});
