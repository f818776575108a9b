import type { AuditEntry } from '@aitbc/protocol';
import { beforeAll, expect, test } from 'vitest';
import { withCoordinator } from './coordinator.ts';

const coordinator = withCoordinator();

let env: { AITBC_API_KEY: string };
beforeAll(async () => {
  env = { AITBC_API_KEY: await coordinator.key('admin') };
});

const run = async (...argv: string[]) => await coordinator.aitbc(argv, { env });

test('an administrator makes a key with limits, changes, rotates and revokes it', async () => {
  const made = await run(
    ...['api-keys', 'create', '--scope', 'client', '--name', 'the web shop', '--model', 'llama3.2'],
    ...['--budget', '100', '--budget-day', '5'],
  );
  const id = made.stdout.match(/^Id +(key-\w+)$/m)?.[1] ?? '';
  const key = made.stdout.match(/^Key +(aitbc_\S+)$/m)?.[1] ?? '';
  expect(made.stdout).toMatch(/^Models +llama3.2$/m);
  const own = await coordinator.aitbc(['api-keys', 'current'], { env: { AITBC_API_KEY: key } });
  expect(own.stdout).toMatch(/^Budget +total 0 of 100, day 0 of 5; reserved 0$/m);
  const changed = JSON.parse(
    (await run('api-keys', 'change', id, '--all-models', '--budget-off', '--json')).stdout,
  );
  expect(changed).toMatchObject({ allowed_models: null, budget: null, name: 'the web shop' });
  const rotated = await run('api-keys', 'rotate', id, '--old-valid', '60', '--json');
  expect(JSON.parse(rotated.stdout).key).not.toBe(key);
  expect((await run('api-keys', 'list')).stdout).toMatch(
    new RegExp(`^${id} +the web shop +client +active`, 'm'),
  );
  expect((await run('api-keys', 'revoke', id)).stderr).toContain('is revoked');
  expect(JSON.parse((await run('api-keys', 'show', id, '--json')).stdout).revoked_at).not.toBeNull();
  const log = await run('audit-log', '--target', id);
  expect(log.stdout.match(/key\.\w+/g)).toEqual(['key.revoke', 'key.rotate', 'key.change', 'key.create']);
});

test('the command on the coordinator’s machine changes and rotates keys while it runs, as the audit log says', async () => {
  const keys = async (...argv: string[]) =>
    await coordinator.aitbc(['keys', ...argv, '--data', coordinator.data]);
  const { id, key } = JSON.parse((await keys('create', '--scope', 'client', '--json')).stdout);
  const current = async (secret: string) =>
    await coordinator.aitbc(['api-keys', 'current', '--json'], { env: { AITBC_API_KEY: secret } });
  const changed = await keys(
    ...['change', id, '--name', 'the web shop', '--scope', 'client', '--scope', 'keys', '--expires', '30'],
    ...['--model', 'llama3.2', '--budget-day', '5', '--tier', 'gold', '--max-priority', '2', '--json'],
  );
  const settings = {
    ...{ id, name: 'the web shop', scopes: ['client', 'keys'], tier: 'gold', max_priority: 2 },
    ...{ allowed_models: ['llama3.2'], budget: { total: null, day: 5, month: null } },
  };
  expect(JSON.parse(changed.stdout)).toMatchObject({ ...settings, expires_at: expect.stringMatching(/Z$/) });
  const rotated = await keys('rotate', id, '--old-valid', '60');
  const secret = rotated.stdout.match(/^Key +(aitbc_\S+)$/m)?.[1] ?? '';
  expect(JSON.parse((await current(secret)).stdout)).toMatchObject(settings);
  expect((await current(key)).exitCode).toBe(0);
  const again = JSON.parse((await keys('rotate', id, '--json')).stdout);
  expect(again.old_secret_valid_until).toBeNull();
  expect(JSON.parse((await current(again.key)).stdout).id).toBe(id);
  const plain = await keys(
    ...['change', id, '--never-expires', '--default-tier', '--all-models', '--budget-off', '--json'],
  );
  expect(JSON.parse(plain.stdout)).toMatchObject({
    ...{ name: 'the web shop', expires_at: null, tier: null, allowed_models: null, budget: null },
  });
  const log = JSON.parse((await run('audit-log', '--target', id, '--json')).stdout);
  expect(log.map(({ action, source }: AuditEntry) => [action, source])).toEqual(
    ['key.change', 'key.rotate', 'key.rotate', 'key.change', 'key.create'].map(action => [action, 'command']),
  );
  expect(JSON.stringify(log)).not.toContain('aitbc_');
});

test.each([
  ['no active key key-1', 1, ['rotate', 'key-1']],
  ['no active key key-2', 1, ['change', 'key-2', '--name', 'nobody']],
  ['Say what to change', 2, ['change', 'key-1']],
  ['name must not have more than', 2, ['change', 'key-1', '--name', 'x'.repeat(1000)]],
  ['scopes.0 must be', 2, ['change', 'key-1', '--scope', 'everything']],
  ['old_valid_seconds must be <=', 2, ['rotate', 'key-1', '--old-valid', '99999999999']],
])('keys fails with: %s', async (message, code, argv) => {
  const { exitCode, stderr } = await coordinator.aitbc(['keys', ...argv, '--data', coordinator.data]);
  expect([exitCode, stderr]).toEqual([code, expect.stringContaining(message)]);
});

test.each([
  [['api-keys', 'create'], '--scope'],
  [['api-keys', 'create', '--scope', 'client', '--budget', '0'], 'above 0'],
  [['api-keys', 'change', 'key-1'], 'Say what to change'],
])('%j is wrong usage', async (argv, message) => {
  const { exitCode, stderr } = await run(...argv);
  expect(exitCode).toBe(2);
  expect(stderr).toContain(message);
});
