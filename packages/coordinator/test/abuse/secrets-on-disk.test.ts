import { chmod, mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ApiKeyWithSecret } from '@aitbc/protocol';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ConfigError, createKey, type RunningCoordinator, startCoordinator } from '../../src/index.ts';

/* The attack: another user of the machine reads the database, or the key that receipts are signed with. */

const start = (data: string, more: object = {}) =>
  startCoordinator({ port: 0, logLevel: 'silent', data, ...more });

/** Creates an API key by a request that may be repeated, and repeats it. */
async function createRepeatedKey({ url, modules: { store } }: RunningCoordinator) {
  const admin = await createKey(store, { id: 'key-2', name: null, scopes: ['admin'], expiresAt: null });
  const idempotencyKey = 'a-key-of-the-client';
  const create = async () => {
    const answer = await fetch(`${url}/v1/api-keys`, {
      method: 'POST',
      headers: {
        ...{ 'content-type': 'application/json', 'x-api-key': admin.key },
        'idempotency-key': idempotencyKey,
      },
      body: JSON.stringify({ scopes: ['client'] }),
    });
    return (await answer.json()) as ApiKeyWithSecret;
  };
  const { key } = await create();
  expect((await create()).key).toBe(key);
  return { key, idempotencyKey };
}

describe('Of a data folder that everybody may enter', () => {
  let data: string;
  const umask = process.umask();
  beforeEach(async () => {
    process.umask(0);
    data = await mkdtemp(join(tmpdir(), 'aitbc-secrets-'));
    await chmod(data, 0o777);
  });
  afterEach(async () => {
    process.umask(umask);
    await rm(data, { recursive: true });
  });

  const modes = async () => {
    const names = await readdir(data);
    return await Promise.all(
      names.map(async name => [name, ((await stat(join(data, name))).mode & 0o777).toString(8)]),
    );
  };

  test('each file is for its owner only, while the coordinator runs and afterwards', async () => {
    const coordinator = await start(data);
    const running = await modes();
    await coordinator.close();
    expect(running.map(([name]) => name)).toEqual(
      expect.arrayContaining(['coordinator.db-wal', 'signing-key.pem']),
    );
    for (const [name, mode] of [...running, ...(await modes())]) expect([name, mode]).toEqual([name, '600']);
  });

  test('no file holds an API key, which everybody could use who reads a backup', async () => {
    const coordinator = await start(data, { mode: 'keyed' });
    const { store } = coordinator.modules;
    const { key } = await createKey(store, {
      id: 'key-1',
      name: 'shop',
      scopes: ['client'],
      expiresAt: null,
    });
    const answer = await fetch(`${coordinator.url}/v1/jobs`, { headers: { 'x-api-key': key } });
    expect(answer.status).toBe(200);
    const repeated = await createRepeatedKey(coordinator);
    await coordinator.close();
    const files = await Promise.all((await readdir(data)).map(name => readFile(join(data, name), 'latin1')));
    const isHeld = (text: string) => files.some(file => file.includes(text));
    expect(isHeld('shop')).toBe(true);
    for (const secret of [key, repeated.key]) expect(isHeld(secret.replace('aitbc_', ''))).toBe(false);
    // The secret follows from the idempotency key and the signing key, so both together are stored nowhere.
    expect(isHeld(repeated.idempotencyKey)).toBe(false);
  });

  test('a database that an older version left open to others is closed to them', async () => {
    await (await start(data)).close();
    await chmod(join(data, 'coordinator.db'), 0o644);
    await (await start(data)).close();
    expect(Object.fromEntries(await modes())).toMatchObject({ 'coordinator.db': '600' });
  });

  test.each([0o640, 0o604, 0o620])(
    'a key with the mode %o is refused, with the command that mends it',
    async mode => {
      await (await start(data)).close();
      const key = join(data, 'signing-key.pem');
      await chmod(key, mode);
      const error = await start(data).catch((thrown: Error) => thrown);
      expect(error).toBeInstanceOf(ConfigError);
      expect((error as Error).message).toContain(`chmod 600 ${key}`);
      await chmod(key, 0o600);
      await (await start(data)).close();
    },
  );
});
