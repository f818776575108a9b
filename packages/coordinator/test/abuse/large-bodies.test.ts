import { LIMITS, type Problem } from '@aitbc/protocol';
import { describe, expect, test } from 'vitest';
import { scanJson } from '../../src/json-scan.ts';
import { createRecentCallers, createTurns } from '../../src/limits/turns.ts';
import { type Answer, withCoordinator } from '../harness/coordinator.ts';
import { sqlite } from '../harness/engines.ts';

/* The attack: large bodies that cost the coordinator more to refuse than their sender to send. */

const coordinator = withCoordinator(sqlite, { mode: 'keyed' });

const SIZE = 16_000_000;
const filled = (start: string, unit: string, end = '') => start + unit.repeat(SIZE / unit.length) + end;

describe('A body of 16 MB that is invalid', () => {
  test.each([
    ['objects without end', filled('{"jobs":[', '{},', '{}]}'), 'VALIDATION_OUT_OF_RANGE'],
    ['values without end', filled('{"jobs":[', '0,', '0]}'), 'VALIDATION_OUT_OF_RANGE'],
    ['brackets without end', filled('', '['), 'VALIDATION_OUT_OF_RANGE'],
    ['a text without end', filled('{"jobs":[{"prompt":"', 'x'), 'VALIDATION_INVALID_FORMAT'],
    ['a field with an endless name', filled('{"jobs":[],"', 'x', '":1}'), 'VALIDATION_UNKNOWN_FIELD'],
    ['a name twice', filled('{"jobs":[],"jobs":["', 'x', '"]}'), 'VALIDATION_INVALID_FORMAT'],
  ])('is refused with a small answer: %s', async (_, body, code) => {
    const key = await coordinator.key('client');
    const answer = await coordinator.call<Problem>('POST', '/v1/jobs/batch', body, { key });
    expect([answer.status, answer.body.error_code]).toEqual([400, code]);
    expect(JSON.stringify(answer.body).length).toBeLessThan(LIMITS.errorLength + 1_000);
  });
});

test('What a body may have in it is bounded where it is large, and members are counted', async () => {
  const parts = (count: number) => Buffer.from(`[${Array(count).fill('{}').join(',')}]`);
  expect(await scanJson(parts(LIMITS.jsonParts - 1))).toBe(0);
  await expect(scanJson(parts(LIMITS.jsonParts))).rejects.toThrow('more than 500000 objects');
  const text = { 'a"\\': '\\":,[{', b: [{ c: ':'.repeat(100), d: '\\' }], e: '"'.repeat(50) };
  expect(await scanJson(Buffer.from(JSON.stringify(text)))).toBe(5);
});

describe('Costly requests', () => {
  test('of one account wait for each other, and those of others do not wait for them', async () => {
    const turns = createTurns({ atOnce: 2, share: 3, othersAreThere: () => false });
    const order: string[] = [];
    const enter = (caller: string, name: string) =>
      turns.take(caller).then(end => {
        order.push(name);
        return end;
      });
    const first = enter('abuser', 'abuser 1');
    const [second, third] = [enter('abuser', 'abuser 2'), enter('abuser', 'abuser 3')];
    const victim = enter('victim', 'victim');
    (await victim)();
    (await first)();
    (await second)();
    (await third)();
    expect(order).toEqual(['abuser 1', 'victim', 'abuser 2', 'abuser 3']);
  });

  test('are paid for by waiting while others are there, and are free for who is alone', async () => {
    const presence = createRecentCallers();
    const turns = createTurns({ atOnce: 1, share: 3, othersAreThere: presence.othersAreThere });
    async function work(times: number, callers: string[]): Promise<void> {
      for (let time = 0; time < times; time++) {
        for (const caller of callers) presence.note(caller);
        await turns.run('one', async () => spend(50));
      }
    }
    const isFree = async () => {
      const soon = new Promise<undefined>(resolve => setTimeout(resolve, 1, undefined));
      const end = await Promise.race([turns.take('one'), soon]);
      end?.();
      return end !== undefined;
    };
    await work(10, ['one']);
    expect(await isFree()).toBe(true);

    const since = performance.now();
    await work(8, ['other', 'one']);
    // Of the time, a third but for what may come at once.
    expect(performance.now() - since).toBeGreaterThan(8 * 50 + 300);
  });

  /** Work that keeps the thread busy. */
  function spend(ms: number) {
    const end = performance.now() + ms;
    while (performance.now() < end);
  }
});

test('Many large bodies of one client leave room for the small ones of another', async () => {
  const [abuser, victim] = [await coordinator.key('client'), await coordinator.key('client')];
  const jobs = { jobs: Array.from({ length: 1_000 }, () => ({ prompt: 'x'.repeat(1_000), model: 'm' })) };
  const body = JSON.stringify(jobs);
  const ended: string[] = [];
  const batches = Array.from({ length: 8 }, async (): Promise<Answer> => {
    const answer = await coordinator.call('POST', '/v1/jobs/batch', body, { key: abuser });
    ended.push('batch');
    return answer;
  });
  const small = await coordinator.call('POST', '/v1/jobs', { prompt: 'Hi', model: 'm' }, { key: victim });
  ended.push('small');
  const statuses = (await Promise.all(batches)).map(({ status }) => status);

  expect([small.status, ...statuses]).toEqual([201, ...Array(8).fill(201)]);
  expect(ended.indexOf('small')).toBeLessThan(4);
});
