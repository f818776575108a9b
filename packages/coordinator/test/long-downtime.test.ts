import { sql } from 'kysely';
import { expect, onTestFinished, test } from 'vitest';
import { openStore } from '../src/index.ts';
import { createTimeKeeper, keepTime } from '../src/jobs/maintenance/elapsed-time.ts';
import { unwrap } from '../src/store/operation.ts';
import { actions, withCoordinator } from './harness/coordinator.ts';
import { describeEachEngine, execute } from './harness/engines.ts';
import { violations } from './invariants/violations.ts';

/** More than two sweeps' worth. */
const RUNNING = 1_200;
const MINERS = 1_100;

describeEachEngine('the first sweeps after a long downtime', engine => {
  const coordinator = withCoordinator(engine, { leaseSeconds: 60 });
  const { register, submit, claims, complete } = actions(coordinator);

  /** Rows like the one that is there, more than anybody could make by requests in a test. */
  async function multiply(): Promise<void> {
    const { read } = coordinator.running.modules.store;
    const [job] = await read.selectFrom('job').selectAll().execute();
    const [miner] = await read.selectFrom('miner').selectAll().execute();
    if (!job || !miner) throw new Error('There is nothing to multiply');
    const numbers = (count: number) =>
      `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${count})`;
    const copy = (table: string, row: object, count: number, changed: Record<string, string>) =>
      `${numbers(count)} INSERT INTO ${table} (${Object.keys(row)})
        SELECT ${Object.keys(row).map(name => changed[name] ?? `t.${name}`)} FROM ${table} t, n`;
    const count = RUNNING - 1;
    for (const statement of [
      copy('job', job, count, { id: `'job-copied-' || n.i`, receipt_id: 'NULL' }),
      copy('miner', miner, MINERS - 1, { id: `'miner-copied-' || n.i`, running: '0' }),
      `INSERT INTO job_input SELECT j.id, i.${(await inputColumns()).join(', i.')}
        FROM job j, job_input i WHERE j.id LIKE 'job-copied-%' AND i.job_id = '${job.id}'`,
      `UPDATE queue SET running = running + ${count}`,
      `UPDATE account SET running = running + ${count}, input_bytes = input_bytes + ${count * (job.input_bytes ?? 0)}
        WHERE id = ${job.account_id}`,
      `UPDATE fair_clock SET running = running + ${count}`,
      `UPDATE miner SET running = running + ${count}, concurrency = ${RUNNING} WHERE id = '${miner.id}'`,
      `UPDATE counter SET value = value + ${count} WHERE name = 'jobs.running'`,
      `UPDATE counter SET value = value + ${MINERS - 1} WHERE name IN ('miners.total', 'miners.active')`,
      // What a coordinator on PostgreSQL has in memory is not what the database has any more.
      `UPDATE setting SET value = 'by hand' WHERE name = 'last_batch'`,
    ])
      await execute(coordinator.running.config, { sqlite: statement, postgres: statement });
  }

  async function inputColumns(): Promise<string[]> {
    const rows = await coordinator.running.modules.store.read.selectFrom('job_input').selectAll().execute();
    return Object.keys(rows[0] ?? {}).filter(name => name !== 'job_id');
  }

  const LEASE = { leaseMs: 60_000, timeoutMs: 600_000, backoffMs: 1_000 };

  test('touch a bounded number of rows each, others write in between, and no miner loses its job', async () => {
    await register('worker', { capabilities: ['long'] });
    await submit({ model: 'long' });
    const [mine] = await claims('worker');
    await coordinator.running.sweep();
    await multiply();
    const now = coordinator.now() + 30 * 24 * 3600 * 1000;
    // One that comes when nobody has swept for a month.
    const store = await openStore(coordinator.running.config, () => now);
    onTestFinished(() => store.close());
    const step = keepTime(createTimeKeeper({ ...LEASE, absenceMs: 5_000 }));
    const touched = async () => {
      const { rows } = await sql<{ jobs: number; miners: number }>`SELECT
        (SELECT count(*) FROM job WHERE lease_expires_at > ${now}) AS jobs,
        (SELECT count(*) FROM miner WHERE last_seen_at = ${now}) AS miners`.execute(store.read);
      return [Number(rows[0]?.jobs), Number(rows[0]?.miners)];
    };
    const counts = [await touched()];
    for (let isGranted = false; !isGranted; ) {
      isGranted = unwrap(await store.write(step, undefined)).isGranted;
      counts.push(await touched());
      // In the midst of it somebody completes a job whose lease is long over, as nobody has taken it away.
      if (counts.length === 2) await complete(mine?.job_id ?? '', 'worker');
    }
    expect(counts).toEqual([
      [0, 0],
      [500, 500],
      [expect.any(Number), 1_000],
      [RUNNING - 1, MINERS],
    ]);
    expect(await violations(store.read)).toEqual([]);
  });

  test('are over before a coordinator that comes back serves anybody', async () => {
    await coordinator.restart({ seconds: 60 * 24 * 3600 });
    const { read } = coordinator.running.modules.store;
    await coordinator.running.sweep();
    const running = await read.selectFrom('job').select('id').where('status', '=', 'running').execute();
    expect(running).toHaveLength(RUNNING - 1);
    const online = await read.selectFrom('miner').select('id').where('status', '=', 'online').execute();
    expect(online).toHaveLength(MINERS);
    expect(await violations(read)).toEqual([]);
  });
});
