import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type JobRow, NEXT_STATUSES, requireTransition } from '../packages/coordinator/src/jobs/job.ts';

const page = readFileSync(join(import.meta.dirname, '../docs/job-states.md'), 'utf8');

const inCode = Object.entries(NEXT_STATUSES)
  .flatMap(([from, nexts]) => nexts.map(to => `${from} → ${to}`))
  .sort();

test('the diagram of the states of a job has every transition of the code, and no other', () => {
  const drawn = Array.from(page.matchAll(/^ {2}(\w+) --> (\w+):/gm), ([, from, to]) => `${from} → ${to}`);
  expect(drawn.sort()).toEqual(inCode);
});

test('the table under it says what brings each of them about', () => {
  const rows = page.split('\n').filter(line => /^\| (`|either)/.test(line));
  const told = rows.flatMap(row => {
    const [from = '', to = ''] = Array.from(row.matchAll(/`(\w+)`/g), ([, status = '']) => status);
    return row.startsWith('| either') ? [`pending → ${from}`, `running → ${from}`] : [`${from} → ${to}`];
  });
  expect(told.sort()).toEqual(inCode);
});

test('a change of status that is not drawn is refused before it is stored', () => {
  const statuses = Object.keys(NEXT_STATUSES) as (keyof typeof NEXT_STATUSES)[];
  for (const from of statuses)
    for (const to of statuses) {
      const change = () =>
        requireTransition({ before: { status: from } as JobRow, after: { status: to } as JobRow });
      if (from === to || inCode.includes(`${from} → ${to}`)) expect(change).not.toThrow();
      else expect(change).toThrow(`can't become ${to}`);
    }
});
