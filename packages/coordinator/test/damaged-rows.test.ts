import type { Job } from '@aitbc/protocol';
import { expect, test } from 'vitest';
import { actions, startTestCoordinator, type TestCoordinator } from './harness/coordinator.ts';
import { type DatabaseOptions, describeEachEngine, describeOneEngine, execute } from './harness/engines.ts';

const BEYOND = ['9007199254740993', '-9007199254740993', '9223372036854775807', '8640000000000001'];

/** Every column of numbers of a pending job. */
const COLUMNS = [
  ...['priority', 'max_attempts', 'created_at', 'expires_at', 'rank', 'attempts', 'held_until'],
  ...['started_at', 'lease_expires_at', 'deadline', 'erased_at', 'reserved', 'token_limit', 'stream'],
];

/** Changes the row of a job, or another one, as a disk or a version with a fault might have. */
async function damage(coordinator: TestCoordinator, statement: string): Promise<void> {
  const { data, databaseUrl } = coordinator.running.config;
  const options: DatabaseOptions = { data, ...(databaseUrl !== undefined && { databaseUrl }) };
  // On PostgreSQL nothing but another batch tells a coordinator that what it has in memory is out of date.
  const noted = `${statement}; UPDATE setting SET value = 'another' WHERE name = 'last_batch'`;
  await execute(options, { sqlite: statement, postgres: noted });
}

/** Somebody else's job from its beginning to its end. Fails where the coordinator refuses anything. */
async function wholeLife(coordinator: TestCoordinator, model: string): Promise<Job> {
  const { submit, job, claims, heartbeat, complete, cancel } = actions(coordinator);
  const asked = await submit({ model });
  const withdrawn = await submit({ model });
  expect((await cancel(withdrawn.job_id)).status).toBe('cancelled');
  const [claimed] = await claims('miner-1');
  expect(claimed?.job_id).toBe(asked.job_id);
  expect((await heartbeat('miner-1', [asked.job_id])).stop).toEqual([]);
  await complete(asked.job_id, 'miner-1');
  expect((await coordinator.call('GET', '/v1/jobs?limit=100')).status).toBe(200);
  expect((await coordinator.call('GET', '/v1/stats')).status).toBe(200);
  await coordinator.pass({ seconds: 1 });
  return await job(asked.job_id);
}

describeEachEngine('A job whose row is damaged', engine => {
  test('ends, is told of once, and holds nobody up, also after a restart', async () => {
    const lines: { job_id?: string; msg: string }[] = [];
    const coordinator = await startTestCoordinator(engine, {
      logLevel: 'error',
      logStream: { write: line => lines.push(JSON.parse(line)) },
    });
    try {
      const { submit, job, register } = actions(coordinator);
      await register('miner-1', { capabilities: ['a', 'b'] });
      const damaged: string[] = [];
      for (const [at, column] of COLUMNS.entries()) {
        const { job_id } = await submit({ model: 'a' });
        damaged.push(job_id);
        await damage(
          coordinator,
          `UPDATE job SET ${column} = ${BEYOND[at % BEYOND.length]} WHERE id = '${job_id}'`,
        );
      }
      expect((await wholeLife(coordinator, 'b')).status).toBe('completed');
      expect((await wholeLife(coordinator, 'a')).status).toBe('completed');
      await coordinator.restart({ seconds: 30 });
      expect((await wholeLife(coordinator, 'a')).status).toBe('completed');
      for (const id of damaged)
        expect(await job(id)).toMatchObject({ status: 'failed', error: { error_code: 'JOB_UNREADABLE' } });
      expect(lines.map(line => line.job_id).sort()).toEqual([...damaged].sort());
    } finally {
      await coordinator.stop();
    }
  });

  test('ends while a miner runs it, at no cost to the miner', async () => {
    const coordinator = await startTestCoordinator(engine);
    try {
      const { submit, job, register, claims } = actions(coordinator);
      await register('miner-1', { capabilities: ['a'] });
      const columns = ['lease_expires_at', 'deadline', 'started_at', 'token_limit'];
      for (const column of columns) {
        const { job_id } = await submit({ model: 'a' });
        await claims('miner-1');
        await damage(coordinator, `UPDATE job SET ${column} = 9223372036854775807 WHERE id = '${job_id}'`);
        const result = { miner_id: 'miner-1', result: 'late' };
        const { status } = await coordinator.call('POST', `/v1/jobs/${job_id}/complete`, result);
        expect(status).toBe(409);
        await coordinator.pass({ seconds: 130 });
        expect(await job(job_id)).toMatchObject({
          status: 'failed',
          error: { error_code: 'JOB_UNREADABLE' },
        });
      }
      const { body } = await coordinator.call<{ running: number; failed: number }>(
        'GET',
        '/v1/miners/miner-1',
      );
      expect(body).toMatchObject({ running: 0, failed: 0 });
    } finally {
      await coordinator.stop();
    }
  });

  test('can be cancelled by its owner', async () => {
    const coordinator = await startTestCoordinator(engine);
    try {
      const { submit, cancel } = actions(coordinator);
      const { job_id } = await submit({ model: 'a' });
      await damage(coordinator, `UPDATE job SET token_limit = 9007199254740993 WHERE id = '${job_id}'`);
      expect((await cancel(job_id)).status).toBe('cancelled');
    } finally {
      await coordinator.stop();
    }
  });
});

/** JSON texts that a disk may have spoilt. They are read above the store. */
const SPOILT = ['{', '5', 'null', '[1]', '{"operator/1":5}'];

describeOneEngine('A text that is no JSON any more', engine => {
  test('in a job that waits for another try ends that job, and holds nobody up', async () => {
    const coordinator = await startTestCoordinator(engine, { retryBackoffSeconds: 0 });
    try {
      const { submit, job, register, claims } = actions(coordinator);
      await register('miner-1', { capabilities: ['a'] });
      for (const text of SPOILT) {
        const { job_id } = await submit({ model: 'a' });
        await claims('miner-1');
        const failure = { miner_id: 'miner-1', error: 'busy', retryable: true };
        await coordinator.call('POST', `/v1/jobs/${job_id}/fail`, failure);
        await damage(coordinator, `UPDATE job SET owners = '${text}' WHERE id = '${job_id}'`);
        expect((await wholeLife(coordinator, 'a')).status, text).toBe('completed');
        expect(await job(job_id), text).toMatchObject({ error: { error_code: 'JOB_UNREADABLE' } });
      }
    } finally {
      await coordinator.stop();
    }
  });

  test('in a job that several owners run ends it with its runs', async () => {
    const coordinator = await startTestCoordinator(engine);
    try {
      const { submit, job, register } = actions(coordinator);
      await register('miner-1', { capabilities: ['a'] });
      const params = { temperature: 0, seed: 1 };
      const ids: string[] = [];
      for (const text of SPOILT) {
        const { job_id } = await submit({ model: 'a', replication: 3, params });
        ids.push(job_id);
        await damage(coordinator, `UPDATE job SET owners = '${text}' WHERE id = '${job_id}'`);
      }
      expect((await wholeLife(coordinator, 'a')).status).toBe('completed');
      await coordinator.restart({ seconds: 1 });
      expect((await wholeLife(coordinator, 'a')).status).toBe('completed');
      for (const id of ids) {
        const { error, runs = [] } = await job(id);
        expect(error).toMatchObject({ error_code: 'JOB_UNREADABLE' });
        expect(runs.map(run => run.status)).toEqual(['cancelled', 'cancelled', 'cancelled']);
      }
    } finally {
      await coordinator.stop();
    }
  });

  test('in a miner lets it register again, and the others work', async () => {
    const coordinator = await startTestCoordinator(engine);
    try {
      const { register } = actions(coordinator);
      await register('miner-1', { capabilities: ['a'] });
      const spoilt = {
        capabilities: ['a'],
        gpu_info: { name: 'GPU' },
        models: [{ model: 'a', tools: true }],
      };
      for (const column of ['capabilities', 'abilities', 'loaded', 'gpu_info']) {
        for (const text of SPOILT) {
          await register('spoilt', spoilt);
          await damage(coordinator, `UPDATE miner SET ${column} = '${text}' WHERE id = 'spoilt'`);
          const asked = await coordinator.call('POST', '/v1/miners/spoilt/claims', { max: 1 });
          const isTold = column === 'capabilities' || column === 'abilities';
          expect(asked.status, `${column} ${text}`).toBe(isTold ? 404 : 200);
          expect((await coordinator.call('GET', '/v1/miners/spoilt')).status).toBe(200);
          expect((await coordinator.call('GET', '/v1/miners')).status).toBe(200);
        }
        await coordinator.restart({ seconds: 1 });
        expect((await wholeLife(coordinator, 'a')).status, column).toBe('completed');
      }
      await register('spoilt', spoilt);
      await register('miner-1', { capabilities: ['b'] });
      const { claims, submit } = actions(coordinator);
      await submit({ model: 'a' });
      expect(await claims('spoilt')).toHaveLength(1);
    } finally {
      await coordinator.stop();
    }
  });
});

const ELSEWHERE = [
  'UPDATE queue SET virtual_time = 9223372036854775807',
  'UPDATE queue SET pending = 9223372036854775000',
  'UPDATE fair_clock SET virtual_time = 9223372036854775807, tail_rank = 9223372036854775807',
  'UPDATE fair_clock SET dispatched_at = 9223372036854775000',
  'UPDATE fair_share SET next_rank = 9223372036854775000',
  'UPDATE miner SET last_seen_at = 9223372036854775807',
  'UPDATE standing SET weighed_at = 9223372036854775807, compared = 9223372036854775000',
  'UPDATE miner SET registered_at = 9223372036854775807, completed = 9223372036854775000',
  'UPDATE counter SET value = 9007199254740993',
  'UPDATE account SET created_at = 9223372036854775807, jobs = 9007199254740993',
  'UPDATE idempotency SET expires_at = 9223372036854775807',
  'UPDATE job_stream SET bytes = 9223372036854775807, ended_at = 9223372036854775807',
  "UPDATE setting SET value = '{' WHERE name = 'grace'",
  'UPDATE activity SET amount = 9223372036854775000',
];

describeEachEngine('A damaged row of another table', engine => {
  test('stops no job, also after a restart', async () => {
    const coordinator = await startTestCoordinator(engine);
    try {
      const { submit, register, claims } = actions(coordinator);
      await register('miner-1', { capabilities: ['a', 'b'] });
      const { job_id } = await submit({ model: 'a', stream: true });
      await claims('miner-1');
      const chunks = { miner_id: 'miner-1', first: 0, chunks: ['x'] };
      await coordinator.call('POST', `/v1/jobs/${job_id}/chunks`, chunks);
      await coordinator.call('POST', `/v1/jobs/${job_id}/complete`, { miner_id: 'miner-1', result: 'x' });
      // A coordinator on SQLite has its file to itself: what is in its memory stays as it was.
      if (engine.name === 'postgres') {
        for (const statement of ELSEWHERE) {
          await damage(coordinator, statement);
          expect((await wholeLife(coordinator, 'a')).status, statement).toBe('completed');
        }
      }
      for (const statement of ELSEWHERE) await damage(coordinator, statement);
      await coordinator.restart({ seconds: 1 });
      expect((await wholeLife(coordinator, 'a')).status).toBe('completed');
      expect((await wholeLife(coordinator, 'b')).status).toBe('completed');
    } finally {
      await coordinator.stop();
    }
  });
});
