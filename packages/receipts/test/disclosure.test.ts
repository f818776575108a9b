import { expect, test } from 'vitest';
import { textHash, verifyDisclosure } from '../src/index.ts';
import { withCoordinator } from './coordinator.ts';
import { SALT, UNSIGNED } from './issued.ts';

const coordinator = withCoordinator();
const PROMPT = 'What is 6 times 7?';

test('the owner of a job proves its prompt and result', async () => {
  const { job, receipt } = await coordinator.runJob('Grüße, 世界 😀\n', '42');
  const disclosed = { receipt, salt: job.salt, prompt: 'Grüße, 世界 😀\n', result: '42' };
  expect(verifyDisclosure(disclosed)).toEqual({ prompt: true, result: true });
});

test('what was not disclosed is null', () => {
  expect(verifyDisclosure({ receipt: UNSIGNED, salt: SALT, result: '42' })).toEqual({
    prompt: null,
    result: true,
  });
});

test('an empty text is disclosed', () => {
  expect(verifyDisclosure({ receipt: UNSIGNED, salt: SALT, result: '' })).toEqual({
    prompt: null,
    result: false,
  });
});

test('another text does not match', () => {
  expect(verifyDisclosure({ receipt: UNSIGNED, salt: SALT, prompt: `${PROMPT} `, result: '42' })).toEqual({
    prompt: false,
    result: true,
  });
});

test('the prompt is not the result', () => {
  expect(verifyDisclosure({ receipt: UNSIGNED, salt: SALT, prompt: '42', result: PROMPT })).toEqual({
    prompt: false,
    result: false,
  });
});

test('a part of the salt can not be passed off as the beginning of the text', () => {
  const shifted = { salt: SALT.slice(0, 30), prompt: SALT.slice(30) + PROMPT };
  expect(verifyDisclosure({ receipt: UNSIGNED, ...shifted })).toEqual({ prompt: false, result: null });
});

test('a text with a lone surrogate matches nothing, as it shares its hash with other texts', () => {
  const receipt = { ...UNSIGNED, artifact_hash: textHash(SALT, '\ufffd') };
  expect(verifyDisclosure({ receipt, salt: SALT, result: '\ud800' })).toEqual({
    prompt: null,
    result: false,
  });
});
