import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'vitest';
import { followGuide, isRun } from './guide.ts';
import { codeBlocks } from './markdown.ts';

const ROOT = join(import.meta.dirname, '..');
const GUIDES = ['README.md', ...globSync('docs/*.md', { cwd: ROOT })].sort();
const read = (guide: string) => readFileSync(join(ROOT, guide), 'utf8');

const runnable = GUIDES.filter(guide => codeBlocks(read(guide)).some(isRun));

test.concurrent.for(runnable)(
  'whoever follows %s gets where it leads',
  { timeout: 60_000 },
  async (guide, { expect }) => {
    expect(await followGuide(guide)).toEqual([]);
  },
);
