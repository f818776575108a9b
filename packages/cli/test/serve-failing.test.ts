import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createTestDatabase } from '../../../test/postgres.ts';
import { aitbc } from './terminal.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'aitbc-failing-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** What `aitbc serve` prints where it can not start. */
async function failure(argv: readonly string[] = [], env: Record<string, string> = {}): Promise<string> {
  const usual = ['--port', '0', '--data', folder, '--log-level', 'silent'];
  const { exitCode, stderr } = await aitbc(['serve', ...usual, ...argv], { env });
  expect(exitCode).toBe(2);
  return stderr;
}

test('the address is none of this machine', async () => {
  expect(await failure(['--host', '203.0.113.1'])).toContain('choose another --host');
});

test('an option that has no such value, or is none', async () => {
  expect(await failure(['--port', 'http'])).toContain('--port must be a whole number');
  expect(await failure(['--prot', '80'])).toContain("unknown option '--prot'");
});

test('a variable that has no such value', async () => {
  expect(await failure([], { AITBC_MODE: 'ajar' })).toContain('AITBC_MODE must be one of auto, open');
});

test('the configuration file is not there, is no JSON, or names no option', async () => {
  const file = join(folder, 'config.json');
  expect(await failure(['--config', file])).toContain(`--config ${file} can't be read: ENOENT`);
  await writeFile(file, '{"port": 80');
  expect(await failure(['--config', file])).toContain(`--config ${file} can't be read`);
  await writeFile(file, '{"prot": 80}');
  expect(await failure(['--config', file])).toContain(`prot in ${file} is no option`);
});

test('the data folder is a file', async () => {
  const file = join(folder, 'file');
  await writeFile(file, '');
  expect(await failure(['--data', file])).toContain(`--data ${file} can't be used`);
});

test.skipIf(process.getuid?.() === 0)('the data folder can not be written to', async () => {
  const data = join(folder, 'read-only');
  await mkdir(data, { mode: 0o500 });
  expect(await failure(['--data', data])).toContain(`--data ${data} can't be used`);
});

test('the database is none', async () => {
  const text = 'no database at all, but long enough to look at'.repeat(100);
  await writeFile(join(folder, 'coordinator.db'), text);
  expect(await failure()).toContain(`--data ${folder} can't be used: file is not a database`);
});

test('PostgreSQL is not there, refuses the password, or has no such database', async () => {
  const { url } = await createTestDatabase();
  const failureAt = (change: Partial<Pick<URL, 'port' | 'password' | 'pathname'>>) =>
    failure(['--database-url', Object.assign(new URL(url), change).href]);
  expect(await failureAt({ port: '1' })).toContain("--database-url can't be used: connect ECONNREFUSED");
  const refused = await failureAt({ password: 'secret' });
  expect(refused).toContain(
    '--database-url can\'t be used: password authentication failed for user "postgres"',
  );
  expect(refused).not.toContain('secret');
  expect(await failureAt({ pathname: 'nowhere' })).toContain('database "nowhere" does not exist');
});

test('the signing key is none', async () => {
  await writeFile(join(folder, 'signing-key.pem'), 'no key');
  expect(await failure()).toContain('signing-key.pem holds no Ed25519 key');
});
