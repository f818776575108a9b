import { Writable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { exportStore, importStore, readConfig } from '../src/index.ts';
import { SCHEMA_VERSION } from '../src/store/migrations/migrate.ts';
import { actions, startTestCoordinator, type TestCoordinator } from './harness/coordinator.ts';
import { type Database, describeEachEngine, execute, type Statements } from './harness/engines.ts';
import { exported, fileOf, linesOf } from './harness/exports.ts';
import { randomNumbers } from './harness/random.ts';

/** Whatever comes into `setting` becomes something else. */
const MEDDLE: Statements = {
  sqlite: `CREATE TRIGGER meddle AFTER INSERT ON setting
    BEGIN UPDATE setting SET value = 'other' WHERE name = NEW.name; END`,
  postgres: `CREATE FUNCTION meddle() RETURNS trigger LANGUAGE plpgsql AS
      $$ BEGIN NEW.value := 'other'; RETURN NEW; END $$;
    CREATE TRIGGER meddle BEFORE INSERT ON setting FOR EACH ROW EXECUTE FUNCTION meddle()`,
};

describeEachEngine('an export', engine => {
  let coordinator: TestCoordinator;
  beforeAll(async () => {
    coordinator = await startTestCoordinator(engine);
  });
  afterAll(() => coordinator.stop());

  test('says in its first line what it is, in its last line what it has, and between them every row', async () => {
    const { job_id } = await actions(coordinator).submit({ prompt: 'The prompt' });
    const { config, modules } = coordinator.running;
    const lines = linesOf(await exported(config)).map(line => JSON.parse(line));
    const [header] = lines;
    expect(header).toMatchObject({
      format: 'aitbc-store',
      version: 1,
      schema: SCHEMA_VERSION,
      engine: engine.name,
      exported_at: expect.stringMatching(/^\d{4}-.*Z$/),
      coordinator_id: modules.coordinatorId,
    });
    expect(header.tables.job_input).toEqual({
      columns: ['job_id', 'prompt', 'params', 'metadata', 'kind', 'own', 'models', 'consent'],
      rows: 1,
    });
    expect(lines).toContainEqual({
      job_input: [job_id, 'The prompt', '{}', null, 'prompt', null, null, null],
    });
    expect(lines.at(-1).totals.job_input).toEqual({
      rows: 1,
      sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
  });

  test('is of one moment, whatever is written while it is read', async () => {
    const { config } = coordinator.running;
    const random = randomNumbers(1);
    const prompt = () =>
      Array.from({ length: 20_000 }, () => Math.floor(random() * 36).toString(36)).join('');
    const prompts = Array.from({ length: 20 }, () => ({ prompt: prompt(), model: 'large' }));
    await coordinator.call('POST', '/v1/jobs/batch', { jobs: prompts });
    const chunks: Buffer[] = [];
    const file = new Writable({
      highWaterMark: 1,
      async write(chunk, _encoding, done) {
        // It is held up so far from its end that what counts and repeats jobs is yet to be read.
        if (chunks.length === 1) await submitMeanwhile();
        chunks.push(chunk);
        done();
      },
    });
    const job = { prompt: 'Meanwhile', model: 'late' };
    const headers = { 'idempotency-key': 'meanwhile' };
    const submitMeanwhile = () => coordinator.call<{ job_id: string }>('POST', '/v1/jobs', job, { headers });
    await exportStore(config, file);
    const { body } = await submitMeanwhile();
    const lines = linesOf(Buffer.concat(chunks));
    expect(lines.filter(line => line.includes(body.job_id))).toEqual([]);
    const counted = lines.find(line => line.startsWith('{"counter":["jobs.pending",'));
    const jobs = lines.filter(line => line.startsWith('{"job":['));
    expect(JSON.parse(counted ?? '').counter).toEqual(['jobs.pending', jobs.length]);
  });

  test('of a store that no coordinator has used is refused', async () => {
    const { options, remove } = await engine.create();
    await expect(exported(readConfig({ given: options }))).rejects.toThrow(
      /^--da.* can't be used: no coordinator has kept anything in it$/,
    );
    await remove();
  });
});

/** What is wrong with a file and shows only when some of its rows are in the store. */
const STORE_FINDS = ['is cut short', 'lacks a row', 'has one more', 'has a changed row', 'has half a row'];

describeEachEngine('an import', engine => {
  let source: TestCoordinator;
  let file: Buffer;
  let target: Database;
  beforeAll(async () => {
    source = await startTestCoordinator(engine);
    const { submit, register, claims, complete } = actions(source);
    await register('m');
    const { job_id } = await submit();
    await claims('m');
    await complete(job_id, 'm');
    for (const model of ['a', 'b', 'c']) await submit({ model });
    file = await exported(source.running.config);
  });
  afterAll(() => source.stop());
  beforeEach(async () => {
    target = await engine.prepare();
  });
  afterEach(() => target.remove());

  const config = () => readConfig({ given: target.options });
  const load = (bytes: Buffer) => importStore(config(), [bytes]);
  /** What the target has, without what is said of the export itself. */
  const rowsOf = async (bytes: Buffer) => linesOf(bytes).slice(1);

  test('gives the same store: exported again it has the same rows, counts and hashes', async () => {
    await target.remove();
    target = await engine.create();
    await load(file);
    expect(await rowsOf(await exported(config()))).toEqual(await rowsOf(file));
  });

  test('tells how far it is, and then how far its check is', async () => {
    const rows = linesOf(file).length - 2;
    const moved: Record<string, number> = {};
    const told = await importStore(config(), [file], {
      onProgress({ step, by, all }) {
        moved[`${step} of ${all}`] = (moved[`${step} of ${all}`] ?? 0) + by;
      },
    });
    expect(told.rows).toBe(rows);
    expect(moved).toEqual({ [`import of ${rows}`]: rows, [`check of ${rows}`]: rows });
  });

  const changed = (from: string, to: string) => fileOf(linesOf(file).map(line => line.replace(from, to)));
  const FAULTS: [string, () => Buffer, RegExp][] = [
    ['is empty', () => Buffer.alloc(0), /^The file is (empty|not an export)/],
    ['is of nothing', () => fileOf([]), /^The file is empty$/],
    [
      'is no gzip',
      () => Buffer.from('{"format":"aitbc-store"}\n'),
      /^The file is not an export, or not whole/,
    ],
    ['is of something else', () => gzipSync('{"a":1}\n'), /^The file is not an export of a coordinator$/],
    ['is no JSON', () => gzipSync('Hello\n'), /^Line 1 of the file is not JSON$/],
    ['is cut short', () => file.subarray(0, -100), /^The file is not an export, or not whole/],
    ['lacks its end', () => fileOf(linesOf(file).slice(0, -1)), /its last line is missing$/],
    [
      'lacks a row',
      () => fileOf(linesOf(file).filter(line => !line.startsWith('{"entry"'))),
      /rows of entry/,
    ],
    ['has one more', () => fileOf(linesOf(file).flatMap(line => [line, line])), /not|duplicate|UNIQUE/],
    ['goes on after its end', () => fileOf([...linesOf(file), '{}']), /^Something follows the last line/],
    ['has a changed row', () => changed('"Hello"', '"Bye"'), /rows of job_input differ from/],
    ['has half a row', () => changed('"Hello",', ''), /^Line \d+ of the file is not a row/],
    [
      'has a row of no table',
      () => changed('{"job_input"', '{"secrets"'),
      /^Line \d+ of the file is not a row/,
    ],
    ['lacks a table', () => changed('"job_input"', '"secrets"'), /lacks the columns of job_input$/],
    [
      'names other columns',
      () => changed('"prompt"', '"prompt; DROP TABLE job"'),
      /the columns .* of job_input/,
    ],
    [
      'is of a later format',
      () => changed('"version":1', '"version":2'),
      /format 2, and this program knows 1/,
    ],
    [
      'is of a later schema',
      () => changed(SCHEMA_VERSION, '999-later'),
      new RegExp(`schema 999-later, and this program ${SCHEMA_VERSION}`),
    ],
  ];
  // What is wrong is mostly found before the store is asked.
  const ofStore = FAULTS.filter(([name]) => STORE_FINDS.includes(name));
  test.each(engine.name === 'sqlite' ? FAULTS : ofStore)(
    'of a file that %s is refused, and leaves the store empty',
    async (_, broken, message) => {
      await expect(load(broken())).rejects.toThrow(message);
      await load(file);
    },
  );

  test('into a store in which there is anything is refused, and leaves it as it is', async () => {
    await load(file);
    await expect(load(file)).rejects.toThrow(
      /^The store is not empty, there are rows in account: .*empty database$/,
    );
    expect(await rowsOf(await exported(config()))).toEqual(await rowsOf(file));
  });

  test('into a store that makes something else of it is undone', async () => {
    await execute(target.options, MEDDLE);
    await expect(load(file)).rejects.toThrow('The rows of setting in the store are not those of the file');
    await execute(target.options, {
      sqlite: 'DROP TRIGGER meddle',
      postgres: 'DROP TRIGGER meddle ON setting',
    });
    await load(file);
  });
});
