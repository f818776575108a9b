import { expect, test } from 'vitest';
import { PATIENT, withComponents } from '../../../test/components.ts';
import { expectAccessible } from '../../../test/visitor.ts';

const components = withComponents('components/filter/filter');

test('a text takes effect with Enter or when the field is left, and an empty one ends the filter', async context => {
  const { page, story } = await components.show(context, 'Both');
  const field = story.getByRole('searchbox', { name: 'Model' });
  await field.fill('  qwen ');
  await story.getByText('["llama",null,0]').waitFor();
  await page.keyboard.press('Enter');
  await story.getByText('["qwen",null,1]').waitFor();
  await expect.poll(() => field.inputValue(), PATIENT).toBe('qwen');
  await field.fill('gemma');
  await story.getByRole('combobox', { name: 'State' }).focus();
  await story.getByText('["gemma",null,2]').waitFor();
  // Leaving the field as it was is no change.
  await field.focus();
  await field.blur();
  await story.getByText('["gemma",null,2]').waitFor();
  await field.fill('');
  await page.keyboard.press('Enter');
  await story.getByText('[null,null,3]').waitFor();
  await expectAccessible(page, 'filters');
});

test('a choice takes effect at once', async context => {
  const { story } = await components.show(context, 'Both');
  const choice = story.getByRole('combobox', { name: 'State' });
  await choice.selectOption('failed');
  await story.getByText('["llama","failed",0]').waitFor();
  await choice.selectOption('');
  await story.getByText('["llama",null,0]').waitFor();
});
