import { expect, test } from 'vitest';
import { PATIENT, withComponents } from '../../../test/components.ts';

const components = withComponents('components/copy-button/copy-button');

test('it copies the whole text, says so, and can be pressed again after a moment', async context => {
  const { page, story } = await components.show(context, 'Hash');
  await story.getByRole('button', { name: 'Copy hash' }).waitFor();
  // What it says is there for a moment only.
  const said = await page.evaluateHandle(() => {
    const texts: (string | undefined)[] = [];
    const story = document.getElementById('story');
    const note = () => texts.push(story?.querySelector('[role=status]')?.textContent);
    if (story)
      new MutationObserver(note).observe(story, { subtree: true, childList: true, characterData: true });
    return texts;
  });
  await story.getByRole('button', { name: 'Copy hash' }).click();
  await expect.poll(() => said.jsonValue(), PATIENT).toContain('Copied hash');
  expect(await page.evaluate(() => navigator.clipboard.readText())).toBe('3b1f-whole-9c02');
  await story.getByRole('button', { name: 'Copy hash' }).waitFor();
});

test('where browsers withhold the clipboard, it copies all the same', async context => {
  const { page, story } = await components.show(context, 'Hash');
  const restore = await page.evaluateHandle(async () => {
    await navigator.clipboard.writeText('something else');
    const { writeText } = navigator.clipboard;
    navigator.clipboard.writeText = () => Promise.reject(new Error('not here'));
    return () => {
      navigator.clipboard.writeText = writeText;
    };
  });
  await story.getByRole('button', { name: 'Copy hash' }).click();
  await expect
    .poll(() => page.evaluate(() => navigator.clipboard.readText()), PATIENT)
    .toBe('3b1f-whole-9c02');
  expect(await page.locator('textarea').count()).toBe(0);
  await restore.evaluate(restore => restore());
});
