import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openLogger } from '../src/log-output.ts';
import { actions, startTestCoordinator, type TestCoordinator } from './harness/coordinator.ts';
import { describeEachEngine, type Engine } from './harness/engines.ts';
import { fileForm, newBatch } from './harness/scenes.ts';

interface Line {
  level: number;
  msg: string;
  [field: string]: unknown;
}

const INFO = 30;

/** Starts a coordinator, and keeps its log. */
async function startLogging(engine: Engine, logLevel: string) {
  const lines: string[] = [];
  const logStream = { write: (line: string) => void lines.push(line) };
  const coordinator = await startTestCoordinator(engine, { mode: 'keyed', logLevel, logStream });
  return { coordinator, lines, parsed: () => lines.map((line): Line => JSON.parse(line)) };
}

describeEachEngine('the log', engine => {
  let coordinator: TestCoordinator;
  let parsed: () => Line[];
  beforeAll(async () => {
    ({ coordinator, parsed } = await startLogging(engine, 'info'));
  });
  afterAll(() => coordinator.stop());

  const linesOf = (fields: object) =>
    parsed()
      .filter(line => Object.entries(fields).every(([name, value]) => line[name] === value))
      .map(({ level, msg }) => [level, msg]);

  test('has one line for each failed job, each lease that ran out, and each miner that comes or goes', async () => {
    const client = actions(coordinator, await coordinator.key('client'));
    const owner = actions(coordinator, await coordinator.key('miner'));
    await owner.register('m-1', { capabilities: ['logged'] });
    await owner.register('m-1', { capabilities: ['logged'] });
    expect(linesOf({ miner_id: 'm-1', was: 'unknown' })).toEqual([[INFO, 'a miner is online']]);

    const { job_id } = await client.submit({ model: 'logged', max_attempts: 1 });
    await owner.claims('m-1');
    await coordinator.pass({ seconds: 300 });
    expect(linesOf({ job_id })).toEqual([
      [INFO, 'a lease ran out: the miner was not heard of in time'],
      [INFO, 'a job failed'],
    ]);
    expect(parsed().find(({ msg }) => msg === 'a job failed')).toMatchObject({
      ...{ job_id, model: 'logged', miner_id: 'm-1', error_code: 'LEASE_EXPIRED', attempts: 1 },
    });
    expect(linesOf({ miner_id: 'm-1', was: 'online' })).toEqual([[INFO, 'a miner is offline']]);
    await owner.heartbeat('m-1');
    expect(linesOf({ miner_id: 'm-1', was: 'offline' })).toEqual([[INFO, 'a miner is online']]);
    await coordinator.call('DELETE', '/v1/miners/m-1', undefined, { key: await coordinator.key('admin') });
    expect(linesOf({ miner_id: 'm-1', was: 'draining' })).toEqual([[INFO, 'a miner is removed']]);
  });

  test('has the id of the request in which a miner reported a failure', async () => {
    const client = actions(coordinator, await coordinator.key('client'));
    const key = await coordinator.key('miner');
    const owner = actions(coordinator, key);
    await owner.register('m-2', { capabilities: ['reported'] });
    const { job_id } = await client.submit({ model: 'reported', max_attempts: 1 });
    await owner.claims('m-2');
    await owner.fail(job_id, 'm-2', { error_class: 'broken' });
    expect(linesOf({ job_id }).map(([, msg]) => msg)).toEqual(['a job failed', 'a miner reported a failure']);
    const [, reported] = parsed().filter(line => line.job_id === job_id);
    expect(reported).toMatchObject({ miner_id: 'm-2', error_class: 'broken', status: 'failed' });
    expect(reported?.reqId).toMatch(/^req-/);
  });
});

/* Whatever a coordinator is sent, at the level that logs the most. */
describeEachEngine('no line of the log', engine => {
  test('has a prompt, a result, an error of an engine, a file, metadata or a key', async () => {
    const { coordinator, lines } = await startLogging(engine, 'trace');
    const clientKey = await coordinator.key('client');
    const minerKey = await coordinator.key('miner');
    const client = actions(coordinator, clientKey);
    const owner = actions(coordinator, minerKey);
    const secret = (what: string) => `SECRET ${what}`;
    await owner.register('m', { capabilities: ['quiet'], session: 'SECRET-session-0001' });
    const submit = () =>
      client.submit({
        ...{ model: 'quiet', prompt: secret('prompt'), stream: true, max_attempts: 1 },
        metadata: { note: secret('metadata') },
        params: { stop: secret('stop') },
      });

    const completed = await submit();
    await owner.claims('m');
    await owner.chunks(completed.job_id, 'm', [secret('chunk')]);
    await owner.complete(completed.job_id, 'm', secret('result'));
    const failing = await submit();
    await owner.claims('m');
    await owner.fail(failing.job_id, 'm', { error: secret('engine'), engine_code: 'SECRET-code' });
    await submit();
    await owner.claims('m');
    await coordinator.pass({ seconds: 300 });

    const call = (method: string, path: string, body?: unknown, headers = {}) =>
      coordinator.call<{ id: string }>(method, path, body, { key: clientKey, headers });
    await call('POST', '/v1/jobs', `{"prompt": "${secret('broken JSON')}`);
    await call('POST', '/v1/jobs', { prompt: secret('wrong'), model: 'm', priority: secret('priority') });
    await call('POST', '/v1/jobs', { prompt: 'x', model: 'm' }, { 'idempotency-key': 'SECRET-idempotency' });
    const messages = [{ role: 'user', content: secret('message') }];
    await call('POST', '/v1/chat/completions', { model: 'absent', messages });
    await call('POST', '/v1/chat/completions', { model: 'quiet', messages, n: secret('n') });
    const { body: file } = await call('POST', '/v1/files', fileForm(`${secret('line')}\n`, 'SECRET.jsonl'));
    await call('POST', '/v1/batches', newBatch(file.id));
    await coordinator.pass({ seconds: 1 });
    await coordinator.call('GET', '/v1/jobs', undefined, { key: 'aitbc_SECRET-key' });
    await coordinator.call('GET', '/v1/jobs', undefined, {
      headers: { authorization: 'Bearer SECRET-bearer' },
    });
    await coordinator.stop();

    const log = lines.join('');
    expect(log).toContain(completed.job_id);
    expect(log).not.toMatch(/SECRET/i);
    for (const key of [clientKey, minerKey]) expect(log).not.toContain(key);
  });
});

describe('an error in the log', () => {
  test('has none of the values that a database adds to it', async () => {
    const lines: string[] = [];
    const logStream = { write: (line: string) => void lines.push(line) };
    const { logger } = await openLogger(
      { logLevel: 'info', logFormat: 'auto' },
      { logStream, readableLog: undefined },
    );
    if (!logger) throw new Error('There must be a log');
    const error = Object.assign(new Error('null value in column "model"'), {
      code: '23502',
      detail: 'Failing row contains (SECRET prompt).',
    });
    expect(logger.serializers.err(error)).toEqual({
      ...{ type: 'Error', message: 'null value in column "model"', code: '23502' },
      stack: expect.stringContaining('null value'),
    });
  });

  test.each([
    ['auto', true, true],
    ['auto', false, false],
    ['pretty', false, true],
    ['json', true, false],
  ])('is text for people or JSON: %s, terminal %s', async (logFormat, isTerminal, isReadable) => {
    const stream = { write: () => {} };
    const opened = await openLogger(
      { logLevel: 'info', logFormat },
      { logStream: undefined, readableLog: { open: async () => stream, isTerminal } },
    );
    expect(opened.logger && opened.logger.stream === stream).toBe(isReadable);
  });
});
