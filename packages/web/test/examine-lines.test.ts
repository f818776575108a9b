import { expect, test } from 'vitest';
import { examineLines } from '../src/pages/batches/examine-lines.ts';

const line = (change: object = {}) =>
  JSON.stringify({ custom_id: '1', method: 'POST', url: '/v1/embeddings', body: {}, ...change });

test('a good file has its endpoint and its number of requests, whatever ends its lines', () => {
  const text = [line(), '', line({ custom_id: '2' }), ''].join('\r\n');
  expect(examineLines(text)).toEqual({ endpoint: '/v1/embeddings', requests: 2, faults: [] });
});

test.each([
  ['{', 'not JSON'],
  ['[]', 'not a JSON object'],
  ['null', 'not a JSON object'],
  [line({ custom_id: 7 }), 'custom_id must be a text'],
  [line({ url: '/v1/jobs' }), 'url must be one of'],
  [line({ body: 'Hello' }), 'body must be the request'],
  [line(), 'custom_id 1 is in line 1 already'],
  [line({ custom_id: '2', url: '/v1/completions' }), 'the first line has /v1/embeddings'],
])('%s is named with its line: %s', (wrong, words) => {
  expect(examineLines(`${line()}\n\n${wrong}`).faults).toEqual([
    { line: 3, message: expect.stringContaining(words) },
  ]);
});
