import { beforeAll, expect, test } from 'vitest';
import { withCoordinator } from './coordinator.ts';

const coordinator = withCoordinator();

let env: { AITBC_API_KEY: string };
beforeAll(async () => {
  env = { AITBC_API_KEY: await coordinator.key('admin') };
});

test('an administrator invites somebody, who joins and is told what to do next', async () => {
  const made = await coordinator.aitbc(
    ['invite', 'create', '--name', 'Ada', '--scope', 'client', '--model', 'llama3.2', '--budget', '20'],
    { env },
  );
  const link = made.stdout.match(/^Link +(\S+)$/m)?.[1] ?? '';
  const joined = await coordinator.aitbc(['join', link]);
  expect(joined.stdout).toMatch(/^Key +aitbc_/m);
  expect(joined.stdout).toContain('aitbc submit "Hello" --model llama3.2 --wait');
  const key = joined.stdout.match(/^export AITBC_API_KEY=(\S+)$/m)?.[1] ?? '';
  const own = await coordinator.aitbc(['api-keys', 'current'], { env: { AITBC_API_KEY: key } });
  expect(own.stdout).toMatch(/^Name +Ada$/m);
  expect((await coordinator.aitbc(['join', link])).stderr).toContain('INVITATION_ENDED');
  const list = await coordinator.aitbc(['invite', 'list'], { env });
  const id = list.stdout.match(/^(invite-\w+) +Ada +client +1 of 1/m)?.[1] ?? '';
  expect((await coordinator.aitbc(['invite', 'revoke', id], { env })).stderr).toContain('is revoked');
});

test.each(['https://coordinator.example/join', 'invite_token', 'ftp://a#b'])('%s is no link', async link => {
  const { exitCode, stderr } = await coordinator.aitbc(['join', link]);
  expect(exitCode).toBe(2);
  expect(stderr).toContain('link of an invitation');
});

test('usage and earnings are tables, JSON and CSV', async () => {
  for (const command of ['usage', 'earnings']) {
    expect((await coordinator.aitbc([command], { env })).stderr).toContain('None.');
    expect((await coordinator.aitbc([command, '--csv'], { env })).stdout).toMatch(/^day,.*credits$/m);
    expect(JSON.parse((await coordinator.aitbc([command, '--json'], { env })).stdout)).toEqual([]);
    expect((await coordinator.aitbc([command, '--by', 'week'], { env })).stderr).toContain('group_by');
  }
});
