import { execFile } from 'node:child_process';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { expect, inject, test } from 'vitest';
import { followGuide, isRun } from './guide.ts';
import { codeBlocks } from './markdown.ts';

const ROOT = join(import.meta.dirname, '..');
const GUIDES = ['README.md', ...globSync('docs/*.md', { cwd: ROOT }).sort()];
const PAGES = [
  ...new Set([...GUIDES, ...globSync(['*.md', 'docs/**/*.md', 'packages/*/*.md'], { cwd: ROOT }).sort()]),
];
const read = (guide: string) => readFileSync(join(ROOT, guide), 'utf8');

const runnable = GUIDES.filter(guide => codeBlocks(read(guide)).some(isRun));

test.concurrent.for(runnable)(
  'whoever follows %s gets where it leads',
  { timeout: 180_000 },
  async (guide, { expect }) => {
    expect(await followGuide(guide)).toEqual([]);
  },
);

test.for(PAGES)('the links of %s lead somewhere', guide => {
  const targets = Array.from(read(guide).matchAll(/\]\((?!https?:)([^)#]*)(?:#([^)]*))?\)/g));
  const dead = targets.filter(([, path = '', anchor]) => {
    const file = path === '' ? guide : join(dirname(guide), path);
    return !existsSync(join(ROOT, file)) || (anchor !== undefined && !anchorsOf(read(file)).includes(anchor));
  });
  expect(dead.map(([link]) => link)).toEqual([]);
});

test('every decision is listed, by the number and the title that it has', () => {
  const records = globSync('docs/decisions/0*.md', { cwd: ROOT }).sort();
  const listed = Array.from(
    read('docs/decisions/README.md').matchAll(/^\| \[(\d+)\]\((.*?)\) +\| (.*?) +\|$/gm),
    ([, number, file, title]) => `docs/decisions/${file}: # ${Number(number)}. ${title}`,
  );
  expect(listed).toEqual(records.map(record => `${record}: ${read(record).split('\n')[0]}`));
  expect(records.map(record => Number(/\d+/.exec(record)?.[0]))).toEqual(
    records.map((_, index) => index + 1),
  );
});

/** Returns the anchors that GitHub makes from headings. */
function anchorsOf(markdown: string): string[] {
  const headings = Array.from(markdown.matchAll(/^#+ (.*)$/gm), ([, heading = '']) => heading.toLowerCase());
  return headings.map(heading => heading.replace(/[^\p{Letter}\p{Number} _-]/gu, '').replaceAll(' ', '-'));
}

test.each([
  ['docs/gpu-owner.md', 'miner'],
  ['docs/witness.md', 'witness'],
])('%s has every option of aitbc %s, and no other', async (guide, command) => {
  const { stdout } = await promisify(execFile)(process.execPath, [
    inject('programs').main,
    command,
    '--help',
  ]);
  const variable = new RegExp(`AITBC_${command.toUpperCase()}_[A-Z_]*[A-Z]`, 'g');
  const optionsIn = (text: string) => new Set(text.match(variable));
  const table = read(guide).split('\n## Options\n')[1] ?? '';
  expect(optionsIn(table)).toEqual(optionsIn(stdout));
});
