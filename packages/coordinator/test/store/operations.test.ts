import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { BATCH_ORDER } from '../../src/batch-order.ts';

const SOURCES = join(import.meta.dirname, '../../src');

/** The names that operations are defined with. */
function definedNames(): string[] {
  const sources = globSync('**/*.ts', { cwd: SOURCES }).map(file =>
    readFileSync(join(SOURCES, file), 'utf8'),
  );
  return sources.flatMap(source =>
    Array.from(
      source.matchAll(/\bname: '([a-z]+\.[a-z-]+)',\s+(?:async )?(?:apply|readonly|resolvesBeforeSync)\b/g),
      ([, name = '']) => name,
    ),
  );
}

test('every operation has a name of its own, and each a place in the order of a batch', () => {
  const names = definedNames();
  expect(names).toHaveLength(new Set(names).size);
  expect(names.toSorted()).toEqual(BATCH_ORDER.toSorted());
});
