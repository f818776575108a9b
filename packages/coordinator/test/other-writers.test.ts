import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, test } from 'vitest';
import { actions, withCoordinator } from './harness/coordinator.ts';
import { execute, sqlite } from './harness/engines.ts';

const coordinator = withCoordinator(sqlite, {});
const { submit, register, claims } = actions(coordinator);

test('what somebody else writes to an SQLite database meanwhile counts', async () => {
  await register('gpu');
  const { job_id } = await submit({ prompt: 'as it was' });
  const change = `UPDATE job_input SET prompt = 'as it is' WHERE job_id = '${job_id}'`;
  await execute(coordinator.running.config, { sqlite: change, postgres: change });
  expect(await claims('gpu')).toMatchObject([{ job_id, prompt: 'as it is' }]);
});

test('while somebody else writes to it, all but writes are answered, and writes are as soon as that is over', async () => {
  const { url, config } = coordinator.running;
  const { job_id } = await submit({ prompt: 'before' });
  const other = new DatabaseSync(join(config.data, 'coordinator.db'));
  other.exec('BEGIN IMMEDIATE');
  let isStored = false;
  const storing = submit({ prompt: 'meanwhile' }).finally(() => {
    isStored = true;
  });
  for (const path of ['/health', `/v1/jobs/${job_id}`]) expect((await fetch(url + path)).status).toBe(200);
  expect(isStored).toBe(false);
  other.exec('COMMIT');
  other.close();
  expect(await storing).toMatchObject({ status: 'pending' });
});
