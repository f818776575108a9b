import { DatabaseSync } from 'node:sqlite';
import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { createUnitOfWork } from '../../src/store/cache/unit-of-work.ts';
import { CLOCKS, OFFERED_JOBS, READY_JOBS, WAITING_QUEUES } from '../../src/store/indexes.ts';
import type { Row } from '../../src/store/schema.ts';
import { databasePath } from '../../src/store/sqlite/connection.ts';
import { createSqliteStatements } from '../../src/store/sqlite/statements.ts';
import type { Statements } from '../../src/store/statements.ts';
import type { WriteTransaction } from '../../src/store/transaction.ts';
import { type Database, ENGINES, type Engine } from '../harness/engines.ts';

/*
 * Databases are written to through rows that are kept in memory. Whatever a batch asks for, it must read the same, and
 * leave the same, as without: so generated histories are run both ways, each on a database of its own.
 */

const [sqlite] = ENGINES as [Engine];
const folders: Database[] = [];
const opened: DatabaseSync[] = [];
afterAll(async () => {
  for (const database of opened) database.close();
  for (const { remove } of folders) await remove();
});

async function openDatabase(): Promise<DatabaseSync> {
  const folder = await sqlite.prepare();
  folders.push(folder);
  const database = new DatabaseSync(databasePath(folder.options.data));
  // Nothing here is to survive anything.
  database.exec('PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF; PRAGMA foreign_keys = OFF');
  opened.push(database);
  return database;
}

/** A transaction that has nothing in memory: each call is written at once, and what it read is forgotten. */
function forgetful(database: DatabaseSync): WriteTransaction {
  const tx = createUnitOfWork(createSqliteStatements(database));
  return new Proxy(tx, {
    get:
      (_, name: keyof WriteTransaction) =>
      async (...call: never[]) => {
        const answer = await (tx[name] as (...call: never[]) => Promise<unknown>)(...call);
        await tx.flushWrites();
        tx.forgetAll();
        return answer;
      },
  });
}

const JOBS = ['job0', 'job1', 'job2', 'job3', 'job4', 'job5'];
const MODELS = ['a', 'b'];
/** Ids of queues and clocks, as the database gives them out. */
const NUMBERS = [1, 2, 3];
/** Settings, whose rows stay in memory only until they are written. */
const NAMES = ['a', 'b', 'c'];
const TABLES = ['job', 'queue', 'fair_clock', 'setting', 'usage', 'account_day'] as const;

function jobRow(id: string, queue: number, rank: number): Row<'job'> {
  const nothing = Object.fromEntries(
    [
      ...['max_price', 'held_until', 'held_for', 'miner_id', 'started_at', 'lease_expires_at', 'deadline'],
      ...['completed_at', 'receipt_id', 'error_code', 'error_detail', 'erased_at', 'token_limit', 'owners'],
      ...['batch_line', 'run_of', 'error_class', 'engine_code', 'prompt_bytes'],
    ].map(column => [column, null]),
  );
  return {
    ...nothing,
    ...{ id, account_id: 1, queue_id: queue, model: 'a', priority: 0, max_attempts: 3, salt: '', rank },
    ...{ prompt_hash: '', created_at: 0, expires_at: 1_000, status: 'pending', attempts: 0, reserved: 0 },
    ...{ stream: 0, role: 'ordinary', away_ms: 0, input_bytes: 0 },
  } as Row<'job'>;
}

/** A call, and what it answers; a list of rows is compared in no order where the interface promises none. */
interface Step {
  run(tx: WriteTransaction): Promise<unknown>;
  toString(): string;
}
const step = (name: string, run: Step['run']): Step => ({ run, toString: () => name });

const job = fc.constantFrom(...JOBS);
const some = <T>(...values: T[]) => fc.uniqueArray(fc.constantFrom(...values), { minLength: 1 });
const limit = fc.constantFrom(undefined, 1, 2, 3);
const changes = fc.constantFrom<Partial<Row<'job'>>>(
  { status: 'running', held_until: null, held_for: null, lease_expires_at: 50 },
  { status: 'pending', held_until: 70, held_for: 'miner', lease_expires_at: null },
  { status: 'pending', held_until: 30, held_for: null, lease_expires_at: null },
  { status: 'pending', held_until: null, held_for: null, lease_expires_at: null },
  { status: 'completed', held_until: null, held_for: null, completed_at: 90 },
);
const byId = (rows: readonly { id: string | number }[]) =>
  rows.toSorted((a, b) => (String(a.id) < String(b.id) ? -1 : 1));

const reads: fc.Arbitrary<Step>[] = [
  some(...JOBS).map(ids =>
    step(`load ${ids}`, async tx => {
      const rows = await tx.load('job', 'id', ids);
      const before = structuredClone(rows);
      // They are the caller's.
      for (const row of rows) row.status = 'failed';
      return before;
    }),
  ),
  fc
    .tuple(some(...NUMBERS), limit)
    .map(([queues, most]) =>
      step(`first ${most} of queues ${queues}`, tx => tx.first(READY_JOBS, queues, most)),
    ),
  limit.map(most => step(`first ${most} offered`, tx => tx.first(OFFERED_JOBS, ['miner', 'other'], most))),
  some(...MODELS).map(models => step(`waiting ${models}`, tx => tx.first(WAITING_QUEUES, models))),
  some(...MODELS).map(models => step(`clocks of ${models}`, tx => tx.first(CLOCKS, models))),
  some(...MODELS).map(models =>
    step(`find clocks ${models}`, async tx =>
      byId(
        await tx.find(
          'fair_clock',
          ['model', 'priority'],
          models.map(model => [model, 0]),
        ),
      ),
    ),
  ),
  some(...NAMES).map(names =>
    step(`settings ${names}`, async tx => {
      const rows = await tx.load('setting', 'name', names);
      return rows.map(({ name, value }) => `${name} ${value}`).sort();
    }),
  ),
  fc.constant(
    step('running by hand', tx =>
      tx.query(['job'], "SELECT id FROM job WHERE status = 'running' ORDER BY id", []),
    ),
  ),
  fc.constant(
    step('leases by condition', async tx =>
      byId(await tx.load('job', 'queue_id', NUMBERS, "status = 'running'")),
    ),
  ),
];

const writes: fc.Arbitrary<Step>[] = [
  fc.tuple(job, fc.constantFrom(...NUMBERS), fc.nat(9)).map(([id, queue, rank]) =>
    step(`insert ${id} in ${queue} at ${rank}`, async tx => {
      const [known] = await tx.load('job', 'id', [id]);
      if (!known) await tx.insert('job', [jobRow(id, queue, rank)]);
    }),
  ),
  fc.tuple(some(...JOBS), changes).map(([ids, change]) =>
    step(`set ${ids} ${JSON.stringify(change)}`, tx =>
      tx.update(
        'job',
        ids.map(id => ({ id, ...change })),
      ),
    ),
  ),
  fc.tuple(some(...NUMBERS), fc.constantFrom(1, -1)).map(([ids, by]) =>
    step(`add ${by} to queues ${ids}`, tx =>
      tx.add(
        'queue',
        ids.map(id => ({ id, pending: by, running: -by })),
      ),
    ),
  ),
  fc.constantFrom(...MODELS).map(model =>
    step(`open a queue of ${model}`, async tx => {
      const numbers = { virtual_time: 0, pending: 0, running: 0 };
      const [clock] = await tx.find('fair_clock', ['model', 'priority'], [[model, 0]]);
      if (clock) return;
      const rates = { tail_rank: 0, dispatched_at: 0, average_run_ms: 1.5 };
      await tx.insert('fair_clock', [{ model, priority: 0, ...numbers, ...rates }]);
      const kind = {
        region: '',
        min_vram_gb: 0,
        restriction: 0,
        needs: '',
        min_context: 0,
        miners: '',
        passport_demand: '',
      };
      await tx.insert('queue', [{ clock_id: 1, model, priority: 0, ...kind, ...numbers }]);
    }),
  ),
  fc.tuple(some(1, 2), fc.nat(9)).map(([ids, time]) =>
    step(`clocks ${ids} at ${time}`, async tx => {
      const rows = await tx.load('fair_clock', 'id', ids);
      await tx.upsert(
        'fair_clock',
        rows.map(row => ({ ...row, virtual_time: time })),
      );
    }),
  ),
  fc.tuple(some(...NAMES), fc.constantFrom('x', 'y')).map(([names, value]) =>
    step(`set settings ${names} to ${value}`, tx =>
      tx.upsert(
        'setting',
        names.map(name => ({ name, value })),
      ),
    ),
  ),
  // The rows of one table stay in memory, those of the other do not.
  fc.tuple(fc.array(fc.constantFrom(...NAMES), { minLength: 1, maxLength: 5 }), fc.nat(3)).map(([ids, by]) =>
    step(`tally ${by} for ${ids}`, async tx => {
      const sums = { jobs: by, failed: 0, cancelled: 0, tokens_in: 1, tokens_out: 2, credits: -by };
      const rest = { account_id: 1, key_id: '', day: 1, model: 'a' };
      await tx.tally(
        'usage',
        ids.map(id => ({ id, ...rest, ...sums })),
      );
      await tx.tally(
        'account_day',
        ids.map(id => ({ id, day: 1, received: by, sent: 0, transactions: 1 })),
      );
    }),
  ),
  fc.constant(
    step('release by hand', tx =>
      tx.execute('job', 'UPDATE job SET held_until = NULL WHERE held_until < ?', [50]),
    ),
  ),
  job.map(id => step(`delete ${id}`, tx => tx.delete('job', [id]))),
];

interface Batch {
  steps: Step[];
  end: 'committed' | 'rolled back';
  /** Somebody else has written before it. */
  disturbed: boolean;
}

const batch: fc.Arbitrary<Batch> = fc.record({
  steps: fc.array(fc.oneof(...reads, ...writes, ...writes), { minLength: 1, maxLength: 8 }),
  end: fc.constantFrom('committed', 'committed', 'committed', 'rolled back'),
  disturbed: fc.constantFrom(false, false, false, true),
});

const DISTURBANCE = `UPDATE job SET rank = rank + 1; UPDATE queue SET pending = pending + 1`;

test('rows that are kept in memory answer as the database does, whatever is done in whatever order', async () => {
  const [plainly, keeping] = [await openDatabase(), await openDatabase()];
  const plain = forgetful(plainly);
  const both = [plainly, keeping];
  const contents = () =>
    both.map(database => TABLES.map(table => database.prepare(`SELECT * FROM ${table} ORDER BY 1`).all()));

  await fc.assert(
    fc.asyncProperty(fc.array(batch, { minLength: 1, maxLength: 12 }), async batches => {
      const cached = createUnitOfWork(createSqliteStatements(keeping));
      for (const database of both) database.exec(`${TABLES.map(table => `DELETE FROM ${table}`).join(';')}`);
      for (const { steps, end, disturbed } of batches) {
        if (disturbed) for (const database of both) database.exec(DISTURBANCE);
        for (const database of both) database.exec('BEGIN');
        cached.begin(!disturbed);
        for (const each of steps) expect(await each.run(cached), String(each)).toEqual(await each.run(plain));
        if (end === 'committed') await cached.flushWrites();
        for (const database of both) database.exec(end === 'committed' ? 'COMMIT' : 'ROLLBACK');
        if (end === 'committed') cached.noteCommitSent();
        else cached.forgetAll();
        const [expected, found] = contents();
        expect(found).toEqual(expected);
      }
    }),
    { numRuns: Number(process.env.AITBC_PROPERTY_RUNS ?? 120) },
  );
});

/** Counts the rows that are read from the database. */
function counting(inner: Statements) {
  const read = { rows: 0 };
  const statements: Statements = {
    ...inner,
    async load(...call) {
      const rows = await inner.load(...call);
      read.rows += rows.length;
      return rows;
    },
  };
  return { statements, read };
}

test.each([
  ['rows', 20_001, ''],
  ['characters', 40, 'x'.repeat(1_000_000)],
])('too many %s are not kept, the oldest going first, and none is lost', async (_what, count, text) => {
  const database = await openDatabase();
  const { statements, read } = counting(createSqliteStatements(database));
  const cached = createUnitOfWork(statements);
  const speeds = Array.from({ length: count }, (_, index) => ({
    ...{ id: `${index}/${text}`, miner_id: 'm', model: String(index), speed: 1, runs: 1 },
  }));
  const columns = database.prepare('PRAGMA table_info(model_speed)').all();
  const whole = speeds.map(row =>
    Object.fromEntries(
      columns.map(({ name, type }) => [name, row[name as 'id'] ?? (type === 'TEXT' ? '' : 0)]),
    ),
  );
  database.exec('BEGIN');
  cached.begin(false);
  await cached.insert('model_speed', whole as never);
  await cached.flushWrites();
  database.exec('COMMIT');
  cached.noteCommitSent();

  cached.begin(true);
  const [oldest, newest] = [whole.slice(0, 10), whole.slice(-10)];
  const load = (rows: typeof whole) =>
    cached.load(
      'model_speed',
      'id',
      rows.map(({ id }) => id as string),
    );
  expect(await load(newest)).toEqual(newest);
  expect(read.rows).toBe(0);
  expect(await load(oldest)).toEqual(oldest);
  expect(read.rows).toBe(10);
});
