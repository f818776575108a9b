import { expect, test } from 'vitest';
import { type AnswerOptions, createAnswerText } from '../src/backends/llama/answer-text.ts';

function read(whole: string, options: Partial<AnswerOptions>) {
  const pieces: string[] = [];
  const thoughts: string[] = [];
  const answer = createAnswerText({
    ...{ stops: [], thinking: 'none', ...options },
    onText: piece => pieces.push(piece),
    onReasoning: piece => thoughts.push(piece),
  });
  const found: unknown[] = [];
  for (let length = 1; length <= whole.length; length++) {
    const what = answer.read(whole.slice(0, length));
    if (what) found.push(what.kind);
    if (what && what.kind !== 'answer') break;
  }
  if (!found.includes('stop') && !found.includes('calls')) answer.end();
  expect([pieces.join(''), thoughts.join('')]).toEqual([answer.text, answer.reasoning]);
  return { text: answer.text, reasoning: answer.reasoning, found };
}

test('a text ends before a stop, which no client sees', () => {
  expect(read('one, two, three', { stops: [', t'] })).toEqual({
    text: 'one',
    reasoning: '',
    found: ['stop'],
  });
});

test('a possible start of a stop is passed on once it is not one', () => {
  expect(read('one, two,', { stops: [', three'] })).toMatchObject({ text: 'one, two,', found: [] });
});

test.each([
  ['possible', '<think>\nHm.\n</think>\n\nYes'],
  ['open', '\nHm.\n</think>\n\nYes'],
] as const)('reasoning is split from the answer: %s', (thinking, whole) => {
  expect(read(whole, { thinking })).toEqual({ text: 'Yes', reasoning: 'Hm.\n', found: ['answer'] });
});

test('a model that may think can answer without it', () => {
  expect(read('<thing> Yes', { thinking: 'possible' })).toMatchObject({ text: '<thing> Yes', reasoning: '' });
});

test.each([
  ['by its marker', 'Wait. <call>{', { marker: '<call>', before: '<call>{' }, 'Wait. '],
  ['by its beginning', ' {"name": "x', { marker: '', before: '{"name": "' }, ''],
])('a call is found %s', (_, whole, calls, text) => {
  expect(read(whole, { calls })).toEqual({ text, reasoning: '', found: ['calls'] });
});
