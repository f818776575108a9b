import { expect, test } from 'vitest';
import { withComponents } from '../../../test/components.ts';

const components = withComponents('components/time/time');

test('a time is relative, with UTC on hover, and goes on by itself', async context => {
  const { story } = await components.show(context, 'Now');
  const time = story.locator('time');
  await time.waitFor();
  expect(await time.getAttribute('title')).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC$/);
  await time.getByText(/ ago$/).waitFor();
});

test.for([
  ['ThreeMinutes', /^\d+m(in)? ago$/],
  ['Ahead', /^now$/],
] as const)('%s', async ([name, expected], context) => {
  const { story } = await components.show(context, name);
  await story.locator('time').getByText(expected).waitFor();
});

test('a full time says both', async context => {
  const { story } = await components.show(context, 'Old');
  await story.getByText('2026-01-24 15:00:00 UTC').first().waitFor();
  expect(await story.locator('time').getAttribute('datetime')).toBe('2026-01-24T15:00:00.000Z');
});
