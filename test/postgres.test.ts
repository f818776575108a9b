import { Client } from 'pg';
import { expect, onTestFinished, test } from 'vitest';
import { createTestDatabase, startPostgres } from './postgres.ts';

async function query(url: string, statement: string): Promise<unknown[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(statement)).rows;
  } finally {
    await client.end();
  }
}

async function testDatabase(): Promise<string> {
  const { url, drop } = await createTestDatabase();
  onTestFinished(drop);
  return url;
}

test('the server is of a version that we support', async () => {
  const [row] = await query(
    await testDatabase(),
    `SELECT current_setting('server_version_num')::int AS version`,
  );

  expect(row).toEqual({ version: expect.toSatisfy(version => version >= 150_000) });
});

test('commits wait for the disk at a server of a test of its own', async () => {
  const server = await startPostgres();
  onTestFinished(() => server.stop());

  const [row] = await query(
    server.url('postgres'),
    `SELECT current_setting('fsync') AS fsync, current_setting('synchronous_commit') AS commit`,
  );

  expect(row).toEqual({ fsync: 'on', commit: 'on' });
});

test('text sorts as in a language, not by bytes', async () => {
  const [row] = await query(
    await testDatabase(),
    `SELECT 'a' < 'B' AS in_english, 'a' < 'B' COLLATE "C" AS bytes`,
  );

  expect(row).toEqual({ in_english: true, bytes: false });
});

test('each test has a database of its own', async () => {
  const [one, other] = [await testDatabase(), await testDatabase()];
  await query(one, 'CREATE TABLE thing (id int)');

  const [row] = await query(other, `SELECT to_regclass('thing') AS thing`);

  expect(row).toEqual({ thing: null });
});

test('a killed server comes back at the same address with what was committed', async () => {
  const server = await startPostgres();
  onTestFinished(() => server.stop());
  const url = await server.createDatabase();
  await query(url, 'CREATE TABLE thing AS SELECT 1 AS id');

  await server.kill();
  await expect(query(url, 'SELECT 1')).rejects.toThrow('ECONNREFUSED');
  await server.restart();

  expect(await query(url, 'SELECT id FROM thing')).toEqual([{ id: 1 }]);
});
