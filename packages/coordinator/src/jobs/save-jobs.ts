import type { ReadyQueue } from '../store/events.ts';
import type { WriteContext } from '../store/operation.ts';
import type { Column } from '../store/transaction.ts';
import { batchOf } from './batch-line.ts';
import { type Failing, hasEnded, type JobChange, type JobRow, requireTransition } from './job.ts';
import { followRuns } from './replication/follow-runs.ts';
import { moveStreams } from './streaming/chunks.ts';

const CHANGING = [
  'status',
  'attempts',
  'held_until',
  'held_for',
  'miner_id',
  'started_at',
  'lease_expires_at',
  'deadline',
  'completed_at',
  'receipt_id',
  'error_code',
  'error_detail',
] as const satisfies Column<'job'>[];

/** Of jobs that failed, or go elsewhere. */
const RARELY_CHANGING = [
  'queue_id',
  'owners',
  'error_class',
  'engine_code',
  'away_ms',
] as const satisfies Column<'job'>[];

/** Stores changed jobs, and with them every counter that their changes of status move. */
export async function saveJobs(changes: readonly JobChange[], context: WriteContext): Promise<void> {
  if (changes.length === 0) return;
  changes.forEach(requireTransition);
  await context.tx.update(
    'job',
    'id',
    CHANGING,
    changes.map(change => change.after),
  );
  await context.tx.update(
    'job',
    'id',
    RARELY_CHANGING,
    changes.flatMap(({ before, after }) =>
      RARELY_CHANGING.some(column => before[column] !== after[column]) ? [after] : [],
    ),
  );
  await moveCounters(changes, context);
  await moveStreams(changes, context);
  for (const { before, after } of changes) {
    if (!hasEnded(after.status) || hasEnded(before.status)) continue;
    const { id: jobId } = after;
    context.emit({ type: 'job.ended', jobId });
    if (after.status === 'cancelled' && before.status === 'running' && before.miner_id !== null)
      context.emit({ type: 'job.withdrawn', jobId, minerId: before.miner_id });
  }
  await saveJobs(await followRuns(changes, context), context);
}

/** Extends or moves leases only: no status changes, so no counter does. */
export async function saveLeases(jobs: readonly JobRow[], { tx }: WriteContext): Promise<void> {
  await tx.update('job', 'id', ['lease_expires_at', 'deadline'], jobs);
}

/** Counts new jobs in. */
export async function countNewJobs(jobs: readonly JobRow[], context: WriteContext): Promise<void> {
  await moveCounters(
    jobs.map(after => ({ before: undefined, after })),
    context,
  );
}

type CountedChange = { before: JobRow | undefined; after: JobRow; minerFailed?: Failing };

const MINER_COUNTS = { running: 0, completed: 0, failed: 0 };

const RECORD_COUNTS = { successes: 0, failures: 0, timeouts: 0 };

const ACCOUNT_COUNTS = { reserved: 0, pending: 0, running: 0, input_bytes: 0 };

const BATCH_COUNTS = { outstanding: 0, completed: 0, failed: 0 };

async function moveCounters(changes: readonly CountedChange[], context: WriteContext): Promise<void> {
  const { tx } = context;
  const counters = new Sums<string, 'value'>();
  const queues = new Sums<number, 'pending' | 'running'>();
  const miners = new Sums<string, keyof typeof MINER_COUNTS>();
  const records = new Sums<string, keyof typeof RECORD_COUNTS>();
  const accounts = new Sums<number, keyof typeof ACCOUNT_COUNTS>();
  const batches = new Sums<string, keyof typeof BATCH_COUNTS>();
  const ready = new Map<number, number>();

  for (const { before, after, minerFailed } of changes) {
    if (isReady(after) && !(before && isReady(before)))
      ready.set(after.queue_id, (ready.get(after.queue_id) ?? 0) + 1);
    const reserved = reservedFor(after) - (before ? reservedFor(before) : 0);
    if (reserved !== 0) accounts.add(after.account_id, 'reserved', reserved);
    const inputBytes = inputBytesOf(after) - (before ? inputBytesOf(before) : 0);
    if (inputBytes !== 0) accounts.add(after.account_id, 'input_bytes', inputBytes);
    if (after.batch_line !== null) countInBatch(batches, batchOf(after.batch_line), before, after);
    if (before?.status !== after.status) {
      for (const [job, by] of [
        [before, -1],
        [after, 1],
      ] as const) {
        if (!job) continue;
        if (job.role !== 'run') counters.add(`jobs.${job.status}`, 'value', by);
        if (job.role !== 'replicated' && (job.status === 'pending' || job.status === 'running')) {
          queues.add(job.queue_id, job.status, by);
          accounts.add(job.account_id, job.status, by);
        }
        if (job.status === 'running' && job.miner_id) miners.add(job.miner_id, 'running', by);
      }
    }
    if (after.status === 'completed' && after.miner_id && after.role !== 'replicated') {
      miners.add(after.miner_id, 'completed', 1);
      records.add(after.miner_id, 'successes', 1);
    }
    if (minerFailed && before?.miner_id) {
      miners.add(before.miner_id, 'failed', 1);
      if (minerFailed === 'failed') records.add(before.miner_id, 'failures', 1);
      if (minerFailed === 'timed-out') records.add(before.miner_id, 'timeouts', 1);
    }
  }

  await tx.add('account', 'id', accounts.rows('id', ACCOUNT_COUNTS));
  await tx.add('counter', 'name', counters.rows('name', { value: 0 }));
  await tx.add('miner', 'id', miners.rows('id', MINER_COUNTS));
  if (!records.empty) await moveRecords(records, tx);
  await tx.add('batch', 'id', batches.rows('id', BATCH_COUNTS));
  if (!queues.empty || ready.size > 0) await moveQueues(queues, ready, context);
}

/** A record is of a miner's operator. */
async function moveRecords(
  byMiner: Sums<string, keyof typeof RECORD_COUNTS>,
  tx: WriteContext['tx'],
): Promise<void> {
  const standings = new Sums<number, keyof typeof RECORD_COUNTS>();
  for (const { id, operator_id } of await tx.load('miner', 'id', [...byMiner.keys()])) {
    for (const [name, by] of Object.entries(byMiner.get(id) ?? {}))
      standings.add(operator_id, name as keyof typeof RECORD_COUNTS, by);
  }
  await tx.add('standing', 'id', standings.rows('id', RECORD_COUNTS));
}

function countInBatch(
  batches: Sums<string, keyof typeof BATCH_COUNTS>,
  id: string,
  before: JobRow | undefined,
  { status }: JobRow,
): void {
  const isOver = hasEnded(status);
  if (!before) batches.add(id, 'outstanding', 1);
  if (!isOver || (before && hasEnded(before.status))) return;
  batches.add(id, 'outstanding', -1);
  batches.add(id, status === 'completed' ? 'completed' : 'failed', 1);
}

const FIXED = ['id', 'clock_id', 'model', 'region', 'min_vram_gb', 'lane', 'needs', 'min_context'] as const;

async function moveQueues(
  queues: Sums<number, 'pending' | 'running'>,
  ready: ReadonlyMap<number, number>,
  { tx, emit }: WriteContext,
): Promise<void> {
  const ids = [...new Set([...queues.keys(), ...ready.keys()])];
  const rows = await tx.loadFixed('queue', 'id', ids, FIXED);
  const clocks = new Sums<number, 'pending' | 'running'>();
  for (const queue of rows) {
    const { pending = 0, running = 0 } = queues.get(queue.id) ?? {};
    if (pending) clocks.add(queue.clock_id, 'pending', pending);
    if (running) clocks.add(queue.clock_id, 'running', running);
    const count = ready.get(queue.id);
    if (count) emit({ type: 'jobs.ready', queue: requirementsOf(queue), count, runs: queue.lane !== 0 });
  }
  await tx.add('queue', 'id', queues.rows('id', { pending: 0, running: 0 }));
  await tx.add('fair_clock', 'id', clocks.rows('id', { pending: 0, running: 0 }));
}

/** Set aside while a job may yet cost something. */
const reservedFor = (job: JobRow) => (hasEnded(job.status) ? 0 : job.reserved);

/** They count while the job may be run; then retention decides how long they stay. */
const inputBytesOf = (job: JobRow) => (hasEnded(job.status) ? 0 : job.input_bytes);

const isReady = (job: JobRow) => job.status === 'pending' && job.held_until === null;

const requirementsOf = ({ model, region, min_vram_gb, needs, min_context }: ReadyQueue): ReadyQueue => ({
  ...{ model, region, min_vram_gb, needs, min_context },
});

/** Differences by key, merged so that a batch moves each counter once. */
class Sums<Key extends string | number, Name extends string> {
  readonly #sums = new Map<Key, Partial<Record<Name, number>>>();

  get empty() {
    return this.#sums.size === 0;
  }

  keys() {
    return this.#sums.keys();
  }

  get(key: Key) {
    return this.#sums.get(key);
  }

  add(key: Key, name: Name, by: number) {
    const sum: Partial<Record<Name, number>> = this.#sums.get(key) ?? {};
    sum[name] = (sum[name] ?? 0) + by;
    this.#sums.set(key, sum);
  }

  rows<K extends string>(key: K, zeros: Record<Name, number>) {
    return [...this.#sums].map(([value, sum]) => ({ ...zeros, ...sum, [key]: value }) as never);
  }
}
