import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTestDatabase } from '../../../test/postgres.ts';
import { aitbc, type Terminal } from './terminal.ts';

const AITBC = join(import.meta.dirname, '../bin/aitbc.mjs');

let folder = '';
const path = (name: string) => join(folder, name);
const run = (argv: string[], terminal?: Terminal) => aitbc(['store', ...argv], terminal);
/** Returns the ids of the keys in a store, which stand for all its data here. */
async function keysIn(...flags: string[]): Promise<string[]> {
  const { stdout } = await aitbc(['keys', 'list', '--json', ...flags]);
  return JSON.parse(stdout).map(({ id }: { id: string }) => id);
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'aitbc-store-'));
  for (const scope of ['client', 'miner'])
    await aitbc(['keys', 'create', '--scope', scope, '--data', path('data')]);
  await run(['export', path('export.gz'), '--data', path('data')]);
});
afterAll(() => rm(folder, { recursive: true }));

test('data moves from SQLite to PostgreSQL and back through files', async () => {
  const { url } = await createTestDatabase();
  const imported = await run(['import', path('export.gz'), '--database-url', url, '--data', path('there')]);
  expect(imported).toMatchObject({ exitCode: 0, stdout: '' });
  expect((await run(['export', path('back.gz'), '--database-url', url])).exitCode).toBe(0);
  expect((await run(['import', path('back.gz'), '--data', path('back')])).exitCode).toBe(0);
  const keys = await keysIn('--data', path('data'));
  expect(keys).toHaveLength(2);
  expect(await keysIn('--database-url', url)).toEqual(keys);
  expect(await keysIn('--data', path('back'))).toEqual(keys);
});

test('data moves through a pipe, and only remarks are printed', async () => {
  const pipe = '"$0" "$1" store export - --data "$2" | "$0" "$1" store import - --data "$3"';
  const argv = ['-c', pipe, process.execPath, AITBC, path('data'), path('piped')];
  const { stdout, stderr } = await promisify(execFile)('sh', argv);
  expect(stdout).toBe('');
  expect(stderr.trim().split('\n').toSorted()).toEqual([
    expect.stringMatching(/^\d+ rows of a new coordinator exported\.$/),
    expect.stringMatching(/^\d+ rows of a new coordinator imported and checked\.$/),
    expect.stringMatching(/^The signing key is not included: copy /),
    expect.stringMatching(/^The signing key was not included: copy it to /),
  ]);
  expect(await keysIn('--data', path('piped'))).toEqual(await keysIn('--data', path('data')));
});

test('export and import say where the signing key must be copied', async () => {
  const { stderr } = await run(['export', path('reminds.gz'), '--data', path('data')]);
  expect(stderr).toContain(`copy ${path('data/signing-key.pem')} too`);
  const argv = ['import', path('export.gz'), '--data', path('reminded')];
  expect((await run(argv)).stderr).toContain(
    `copy it to ${path('reminded/signing-key.pem')} before you start`,
  );
});

test('a separate key of the ledger is named too', async () => {
  await cp(path('data'), path('rotated'), { recursive: true });
  await writeFile(path('rotated/ledger-key.pem'), 'the one before');
  const { stderr } = await run(['export', path('rotated.gz'), '--data', path('rotated')]);
  const [key, ledgerKey] = [path('rotated/signing-key.pem'), path('rotated/ledger-key.pem')];
  expect(stderr).toContain(`copy ${key} and ${ledgerKey} too`);
});

test('--json reports what was moved', async () => {
  const out = await run(['export', path('json.gz'), '--json', '--data', path('data')]);
  const told = JSON.parse(out.stdout);
  expect(told).toMatchObject({
    file: path('json.gz'),
    format: 'aitbc-store',
    engine: 'sqlite',
    rows: expect.any(Number),
  });
  const back = await run(['import', path('json.gz'), '--json', '--data', path('json')]);
  expect(JSON.parse(back.stdout)).toEqual(told);
});

test('progress bars show the import and then its check', async () => {
  const { bars } = await run(['import', path('export.gz'), '--data', path('bars')]);
  const total = bars[0]?.total;
  expect(bars).toEqual([
    { label: 'Importing', done: total, total },
    { label: 'Checking', done: total, total },
  ]);
});

test('only the owner can read an export', async () => {
  expect((await stat(path('export.gz'))).mode & 0o777).toBe(0o600);
});

test('an export overwrites nothing', async () => {
  await writeFile(path('precious'), 'precious');
  expect(await run(['export', path('precious'), '--data', path('data')])).toMatchObject({
    exitCode: 1,
    stderr: `aitbc: ${path('precious')} exists and is not overwritten\n`,
  });
  expect(await readFile(path('precious'), 'utf8')).toBe('precious');
});

test('a failed or interrupted export leaves no file', async () => {
  const failed = await run(['export', path('failed.gz'), '--data', path('nothing')]);
  expect(failed).toMatchObject({
    exitCode: 2,
    stderr: expect.stringContaining('no coordinator has kept anything'),
  });
  const interrupted = await run(['export', path('interrupted.gz'), '--data', path('data')], {
    interrupt: pressed => pressed(),
  });
  expect(interrupted).toMatchObject({ exitCode: 130, stderr: expect.stringContaining('Stopped') });
  expect([path('failed.gz'), path('interrupted.gz')].filter(existsSync)).toEqual([]);
});

test('an export is not printed to a terminal', async () => {
  const { exitCode, bytes } = await run(['export', '-', '--data', path('data')], { isTTY: true });
  expect({ exitCode, bytes: bytes.length }).toEqual({ exitCode: 2, bytes: 0 });
});

test('an import into existing data is rejected', async () => {
  expect(await run(['import', path('export.gz'), '--data', path('data')])).toMatchObject({
    exitCode: 1,
    stderr: expect.stringMatching(/^aitbc: The store is not empty/),
  });
});

test('an import of something else than an export is rejected', async () => {
  await writeFile(path('text'), 'Hello');
  expect(await run(['import', path('text'), '--data', path('none')])).toMatchObject({
    exitCode: 1,
    stderr: expect.stringMatching(/^aitbc: The file is not an export/),
  });
  expect(await run(['import', path('missing'), '--data', path('none')])).toMatchObject({
    exitCode: 1,
    stderr: expect.stringContaining(`${path('missing')} can't be opened`),
  });
});

test('what an export writes to the standard output is what an import reads from the standard input', async () => {
  const { bytes } = await run(['export', '-', '--data', path('data')]);
  expect((await run(['import', '-', '--data', path('stdin')], { stdin: bytes })).exitCode).toBe(0);
  expect(await keysIn('--data', path('stdin'))).toEqual(await keysIn('--data', path('data')));
});
