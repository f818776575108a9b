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
