import { randomBytes } from 'node:crypto';
import { Client } from 'pg';
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { createTestDatabase } from '../../../../test/postgres.ts';
import { migrateStore, readConfig } from '../../src/index.ts';
import { actions, startTestCoordinator, type TestCoordinator } from '../harness/coordinator.ts';
import { postgresAt } from '../harness/engines.ts';
import { openGate, type Said } from './gate.ts';

/** A database whose administrator gives nobody more than they need. */
let administrator: Client;
let url: URL;
const coordinators: TestCoordinator[] = [];

beforeEach(async () => {
  url = new URL((await createTestDatabase()).url);
  administrator = new Client(url.href);
  await administrator.connect();
  await grant(
    `REVOKE ALL ON DATABASE ${url.pathname.slice(1)} FROM PUBLIC; REVOKE ALL ON SCHEMA public FROM PUBLIC`,
  );
});
afterEach(async () => {
  for (const coordinator of coordinators.splice(0)) await coordinator.stop();
  await administrator.end();
});

const grant = (statements: string) => administrator.query(statements);

/** A role that may connect, and its URL. Roles belong to the whole server, hence the name. */
async function createRole(): Promise<{ role: string; databaseUrl: string }> {
  const role = `role_${randomBytes(6).toString('hex')}`;
  await grant(
    `CREATE ROLE ${role} LOGIN PASSWORD 'secret'; GRANT CONNECT ON DATABASE ${url.pathname.slice(1)} TO ${role}`,
  );
  return { role, databaseUrl: Object.assign(new URL(url), { username: role, password: 'secret' }).href };
}

async function start(databaseUrl: string): Promise<TestCoordinator> {
  const coordinator = await startTestCoordinator(postgresAt(databaseUrl));
  coordinators.push(coordinator);
  return coordinator;
}

/** What needs every right there is to need: each table is written, and what is over is swept away. */
async function lifeOfJobs(coordinator: TestCoordinator): Promise<string> {
  const { submit, register, claims, complete, cancel } = actions(coordinator);
  await register('gpu');
  const { job_id } = await submit();
  await claims('gpu');
  await complete(job_id, 'gpu');
  await cancel((await submit()).job_id);
  await coordinator.key('client');
  await coordinator.pass({ seconds: 48 * 3600 });
  return job_id;
}

/** The database says that a batch has the lock. */
const isLocked = ({ by, on, text }: Said) =>
  by === 'database' && on === 'writing' && text.includes('pg_advisory_xact_lock');

describe('a coordinator', () => {
  test('needs no more than to connect, and a schema of its own', async () => {
    const { role, databaseUrl } = await createRole();
    await grant(`CREATE SCHEMA AUTHORIZATION ${role}`);
    const coordinator = await start(databaseUrl);
    const job = await lifeOfJobs(coordinator);
    expect(await actions(coordinator).job(job)).toMatchObject({ status: 'completed' });
  });

  test('needs only to read and write rows where another role migrates', async () => {
    const owner = await createRole();
    await grant(`CREATE SCHEMA AUTHORIZATION ${owner.role}`);
    await migrateStore(readConfig({ given: { databaseUrl: owner.databaseUrl } }));
    const { role, databaseUrl } = await createRole();
    await grant(`GRANT USAGE ON SCHEMA ${owner.role} TO ${role};
      GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA ${owner.role} TO ${role};
      ALTER ROLE ${role} SET search_path = ${owner.role}`);
    await lifeOfJobs(await start(databaseUrl));
  });

  test('says what it may not do', async () => {
    const { databaseUrl } = await createRole();
    await expect(start(databaseUrl)).rejects.toThrow(
      /^--database-url can't be used: .*no schema has been selected to create in$/,
    );
  });

  const inSchema = (database: string, schema: string) => `${database}?options=-c%20search_path%3D${schema}`;

  test('shares a database with others that have schemas of their own', async () => {
    await grant('CREATE SCHEMA one; CREATE SCHEMA two');
    const job = await lifeOfJobs(await start(inSchema(url.href, 'one')));
    const two = await start(inSchema(url.href, 'two'));
    expect((await two.call('GET', `/v1/jobs/${job}`)).status).toBe(404);
    await lifeOfJobs(two);
  });

  test('waits for no batch of another schema', async () => {
    await grant('CREATE SCHEMA one; CREATE SCHEMA two');
    const gate = await openGate(url.href);
    onTestFinished(() => gate.close());
    const one = actions(await start(inSchema(gate.url, 'one')));
    const two = actions(await start(inSchema(url.href, 'two')));
    const begun = gate.hears(isLocked);
    gate.rule(said => (isLocked(said) ? 'hold' : 'pass'));
    const held = one.submit();
    await begun;
    expect(await two.submit()).toMatchObject({ status: 'pending' });
    gate.open();
    await held;
  });
});
