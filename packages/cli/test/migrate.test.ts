import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { Client } from 'pg';
import { describe, expect, test } from 'vitest';
import { createTestDatabase } from '../../../test/postgres.ts';
import { aitbc } from './terminal.ts';

const MIGRATIONS = [
  '001-initial',
  '002-ledger',
  '004-streams',
  '006-messages',
  '007-scheduling',
  '008-explorer',
  '009-files',
  '010-batches',
  '011-trust',
  '012-answers',
  '013-own-text',
  '014-standing',
  '017-billing',
  '018-limits',
  '019-miner-epochs',
  '020-clearer-names',
  '021-api-keys',
  '022-overview',
  '023-hash-segments',
  '024-webhooks',
  '025-usage',
  '026-invitations',
  '027-owner-indexes',
  '028-chosen-miners',
  '029-history',
  '030-traces',
  '031-payouts',
  '032-fallbacks',
  '033-notices',
  '034-disabled-webhooks',
  '035-passports',
  '036-verifications',
  '037-batch-traces',
  '038-suspensions',
];
const NEWEST = MIGRATIONS.at(-1);

/** An empty database: the flags that locate it, and how a later version would mark it. */
const ENGINES = {
  async sqlite() {
    const data = await mkdtemp(join(tmpdir(), 'aitbc-migrate-'));
    return {
      flags: ['--data', data],
      async execute(statement: string) {
        const database = new DatabaseSync(join(data, 'coordinator.db'));
        database.exec(statement);
        database.close();
      },
      remove: () => rm(data, { recursive: true }),
    };
  },
  async postgres() {
    const { url } = await createTestDatabase();
    return {
      flags: ['--database-url', url],
      async execute(statement: string) {
        const client = new Client(url);
        await client.connect();
        await client.query(statement);
        await client.end();
      },
      remove: async () => {},
    };
  },
};

describe.each(Object.keys(ENGINES) as (keyof typeof ENGINES)[])('a database of %s', engine => {
  test('is brought up to date, once', async () => {
    const { flags, remove } = await ENGINES[engine]();
    expect(await aitbc(['migrate', ...flags])).toMatchObject({
      exitCode: 0,
      stdout: MIGRATIONS.map(name => `${name} applied\n`).join(''),
    });
    expect(await aitbc(['migrate', ...flags])).toMatchObject({
      exitCode: 0,
      stdout: `Nothing to do: the schema is that of ${NEWEST}.\n`,
    });
    await remove();
  });

  test('reports in JSON what was done', async () => {
    const { flags, remove } = await ENGINES[engine]();
    const { stdout } = await aitbc(['migrate', '--json', ...flags]);
    expect(JSON.parse(stdout)).toEqual({ schema: NEWEST, applied: MIGRATIONS });
    await remove();
  });

  test('that a later version has changed is not used by any command', async () => {
    const { flags, execute, remove } = await ENGINES[engine]();
    await aitbc(['migrate', ...flags]);
    await execute(`INSERT INTO kysely_migration (name, timestamp) VALUES ('999-later', '2027-01-01')`);
    for (const command of [['migrate'], ['keys', 'list'], ['serve', '--port', '0']]) {
      expect(await aitbc([...command, ...flags])).toMatchObject({
        exitCode: 2,
        stderr: expect.stringMatching(
          `^aitbc: --da\\S+.* its schema is newer \\(999-later\\) than this program, which knows ${NEWEST}`,
        ),
      });
    }
    await remove();
  });
});

test('an unknown kind of database is an error that names it', async () => {
  expect(await aitbc(['migrate', '--database-url', 'mysql://localhost/aitbc'])).toMatchObject({
    exitCode: 2,
    stderr: expect.stringContaining('has no support for mysql databases'),
  });
});
