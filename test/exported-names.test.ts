import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const ROOT = join(import.meta.dirname, '..');

const EXPORT =
  /^export (?:declare )?(?:abstract )?(?:async )?(?:const|function\*?|class|interface|type|enum) (\w+)/gm;

/** What the package `aitbc` publishes of the coordinator is declared apart from it. */
const PUBLISHED = 'packages/coordinator/src/published.ts';

test('no two files of our packages export different things by one name', () => {
  const files = globSync('packages/*/src/**/*.ts', { cwd: ROOT }).filter(file => file !== PUBLISHED);
  expect(files.length).toBeGreaterThan(400);
  const exported = files.flatMap(file =>
    Array.from(readFileSync(join(ROOT, file), 'utf8').matchAll(EXPORT), ([, name = '']) => ({ name, file })),
  );
  const filesByName = Map.groupBy(exported, ({ name }) => name);
  const repeated = [...filesByName].flatMap(([name, places]) => {
    const distinct = [...new Set(places.map(({ file }) => file))].sort();
    return distinct.length > 1 ? [`${name}: ${distinct.join(', ')}`] : [];
  });
  expect(repeated.sort()).toEqual([]);
});
