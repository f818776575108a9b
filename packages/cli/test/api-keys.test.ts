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

test.each([
  [['api-keys', 'create'], '--scope'],
  [['api-keys', 'create', '--scope', 'client', '--budget', '0'], 'above 0'],
  [['api-keys', 'change', 'key-1'], 'Say what to change'],
])('%j is wrong usage', async (argv, message) => {
  const { exitCode, stderr } = await run(...argv);
  expect(exitCode).toBe(2);
  expect(stderr).toContain(message);
});
