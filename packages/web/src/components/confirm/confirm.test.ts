import { expect, test } from 'vitest';
import { PATIENT, withComponents } from '../../../test/components.ts';
import { expectAccessible } from '../../../test/visitor.ts';

const components = withComponents('components/confirm/confirm');

test('nothing happens before it is confirmed, and the focus comes back', async context => {
  const { page, story } = await components.show(context, 'Plain');
  const button = story.getByRole('button', { name: 'Suspend gpu-one' });
  await button.focus();
  await page.keyboard.press('Enter');
  const dialog = page.getByRole('dialog', { name: 'Suspend gpu-one?' });
  await dialog.getByText('It gets no new jobs.').waitFor();
  await expectAccessible(page, 'a question');
  await page.keyboard.press('Escape');
  await dialog.waitFor({ state: 'detached' });
  await expect.poll(() => button.evaluate(element => element === document.activeElement), PATIENT).toBe(true);
  expect(await story.getByText('Done:').textContent()).toBe('Done: []');
  await button.click();
  await dialog.getByRole('button', { name: 'Suspend' }).click();
  await dialog.waitFor({ state: 'detached' });
  await story.getByText('Done: [""]').waitFor();
});

test('a reason is needed where one is asked for, and Enter in it confirms', async context => {
  const { page, story } = await components.show(context, 'WithReason');
  await story.getByRole('button', { name: 'Suspend gpu-one' }).click();
  const dialog = page.getByRole('dialog');
  const confirm = dialog.getByRole('button', { name: 'Suspend' });
  await confirm.waitFor();
  expect(await confirm.isDisabled()).toBe(true);
  await dialog.getByLabel('Reason').fill(' too hot ');
  await page.keyboard.press('Enter');
  await dialog.waitFor({ state: 'detached' });
  await story.getByText('Done: ["too hot"]').waitFor();
});

test('what fails is said where it was asked, and forgotten the next time', async context => {
  const { page, story } = await components.show(context, 'Failing');
  await story.getByRole('button', { name: 'Suspend gpu-one' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('button', { name: 'Suspend' }).click();
  await dialog.getByRole('alert').getByText('It is gone').waitFor();
  await dialog.getByRole('button', { name: 'Leave it as it is' }).click();
  await dialog.waitFor({ state: 'detached' });
  await story.getByRole('button', { name: 'Suspend gpu-one' }).click();
  await dialog.getByText('It gets no new jobs.').waitFor();
  expect(await dialog.getByRole('alert').count()).toBe(0);
});
