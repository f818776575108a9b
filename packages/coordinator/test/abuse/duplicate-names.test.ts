import type { Problem } from '@aitbc/protocol';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { duplicateKey, pairsIn } from '../../src/json-scan.ts';
import { withCoordinator } from '../harness/coordinator.ts';
import { sqlite } from '../harness/engines.ts';

/*
 * The attack: an object with one name twice, of which a proxy that checks requests takes the first and the coordinator
 * the last.
 */
const coordinator = withCoordinator(sqlite);

describe('A body with a name twice in one object', () => {
  test.each([
    ['{"model":"m","prompt":"a","prompt":"b"}', 'prompt'],
    ['{"model":"m","prompt":"a","constraints":{"max_price":1,"max_\\u0070rice":1000}}', 'max_price'],
    ['{"model":"m","prompt":"a","metadata":{"x":[{"\\"":1,"\\"":2}]}}', '"'],
  ])('is refused: %s', async (body, name) => {
    const { status, body: problem } = await coordinator.call<Problem>('POST', '/v1/jobs', body);
    expect([status, problem.error_code]).toEqual([400, 'VALIDATION_INVALID_FORMAT']);
    expect(problem.detail).toBe(`The body has ${JSON.stringify(name)} twice in one object`);
  });

  test("is refused in OpenAI's shape too", async () => {
    const body = '{"model":"m","messages":[],"model":"n"}';
    const answer = await coordinator.call<{ error: object }>('POST', '/v1/chat/completions', body);
    expect(answer.status).toBe(400);
    expect(answer.body.error).toMatchObject({ type: 'invalid_request_error' });
  });

  test('is not what has the same name in several objects, or a text that looks like it', async () => {
    const body =
      '{"model":"m","prompt":"{\\"a\\":1,\\"a\\":2}","metadata":{"model":{"model":"\\\\"},"prompt":":"}}';
    expect((await coordinator.call('POST', '/v1/jobs', body)).status).toBe(201);
  });
});

const members = (value: unknown): number =>
  Object(value) === value
    ? Object.values(value as object).reduce((sum: number, member) => sum + members(member), 0) +
      (Array.isArray(value) ? 0 : Object.keys(value as object).length)
    : 0;

test('The members of any JSON text are counted', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.constantFrom(undefined, 2), (value, space) => {
      const text = JSON.stringify(value, null, space);
      expect(pairsIn(text)).toBe(members(value));
      expect(duplicateKey(text)).toBeUndefined();
    }),
  );
});
