import { expect, test } from 'vitest';
import { withCoordinator } from './coordinator.ts';

const coordinator = withCoordinator();
/** Nobody listens there. */
const URL = 'http://127.0.0.1:9/webhook';

test('a webhook is added, listed, tested, paused, resumed and deleted', async () => {
  const run = (...argv: string[]) => coordinator.aitbc(['webhooks', ...argv]);
  const added = await run('add', URL, '--event', 'job.completed,job.failed', '--description', 'The shop');
  const [, id = ''] = added.stdout.match(/^Webhook +(hook-\w+)$/m) ?? [];
  expect(added.stdout).toMatch(new RegExp(`^URL +${URL}\nSecret +whsec_\\S{44}$`, 'm'));
  expect(added.stderr).toContain('shown only now');
  expect((await run('list')).stdout).toMatch(
    new RegExp(`^${id} +active +${URL} +job.completed job.failed`, 'm'),
  );
  const [delivery] = (await run('test', id)).stdout.split('\n');
  const listed = JSON.parse((await run('deliveries', id, '--json')).stdout);
  expect(listed).toMatchObject([{ id: delivery, type: 'webhook.test' }]);
  expect((await run('deliveries', id, '--state', 'delivered')).stderr).toBe('None.\n');
  expect((await run('redeliver', id, delivery ?? '')).stdout).toBe(`${delivery}\n`);
  const since = new Date(Date.now() - 60_000).toISOString();
  expect((await run('redeliver', id, '--since', since)).stdout).toBe('1 deliveries are sent again.\n');
  expect((await run('pause', id)).stdout).toMatch(/^State +paused$/m);
  expect((await run('resume', id)).stdout).toMatch(/^State +active$/m);
  expect((await run('delete', id)).exitCode).toBe(0);
  expect((await run('list')).stderr).toBe('None.\n');
});

test('what can not be is said', async () => {
  const run = (...argv: string[]) => coordinator.aitbc(['webhooks', ...argv]);
  const inside = await run('add', 'https://10.0.0.1/', '--event', 'job.failed');
  expect([inside.exitCode, inside.stderr]).toEqual([1, expect.stringContaining('WEBHOOK_ADDRESS_REFUSED')]);
  for (const argv of [
    ['add', URL],
    ['redeliver', 'hook-1'],
    ['redeliver', 'hook-1', 'msg_1', '--since', '2026-01-24T00:00:00Z'],
  ])
    expect(await run(...argv)).toMatchObject({ exitCode: 2, stdout: '' });
});
