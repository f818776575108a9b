import type { SubmitJob } from '@aitbc/protocol';
import type { ReadyQueue } from '../../store/events.ts';
import { CLOCKS } from '../../store/indexes.ts';
import type { WriteContext } from '../../store/operation.ts';
import type { NewRow, Row } from '../../store/schema.ts';
import type { JobChange, JobRow } from '../job.ts';
import type { Clock, FairQueue } from './fairness.ts';

/*
 * `queue.restriction`: jobs that not every suitable miner may have are apart from other jobs, because miners search past
 * those that they may not have.
 */
export const RUNS = 1;
const RETRIES = 2;

/** The columns that identify a queue. */
export type QueueKey = Pick<Row<'queue'>, (typeof KEY)[number]>;

export interface JobQueues {
  byModel: ReadonlyMap<string, Clock[]>;
  queueOf(place: QueueKey): FairQueue;
  clockOf(job: Pick<JobRow, 'model' | 'priority'>): Clock;
}

const KEY = [
  'model',
  'priority',
  'region',
  'min_vram_gb',
  'restriction',
  'needs',
  'min_context',
  'miners',
  'passport_demand',
] as const;

const valuesOf = (place: QueueKey) => KEY.map(column => place[column]);
const nameOf = (place: QueueKey) => JSON.stringify(valuesOf(place));

/** Returns the queue of a new job with these requirements. */
export const queueKeyOf = ({ priority, replication }: SubmitJob, requirements: ReadyQueue): QueueKey => ({
  ...requirements,
  priority: priority ?? 0,
  restriction: (replication ?? 1) > 1 ? RUNS : 0,
});

/** Loads the queues with these keys and their clocks. Creates the missing ones. */
export async function loadJobQueues(
  places: readonly QueueKey[],
  { tx }: Pick<WriteContext, 'tx'>,
): Promise<JobQueues> {
  const keys = new Map(places.map(place => [nameOf(place), place]));
  const [found, clocks] = await Promise.all([findQueues(keys, tx), loadClocks([...keys.values()], tx)]);
  const clockOf = (key: Pick<Clock, 'model' | 'priority'>) => must(clocks.get(clockName(key)));
  let queues = found;
  const missing = new Map([...keys].filter(([name]) => !found.has(name)));
  if (missing.size > 0) {
    const counts = { virtual_time: 0, pending: 0, running: 0 };
    const rows = [...missing.values()].map(key => ({ clock_id: clockOf(key).id, ...key, ...counts }));
    await tx.insert('queue', rows);
    queues = new Map([...queues, ...(await findQueues(missing, tx))]);
  }
  const fairQueues = new Map([...queues].map(([name, queue]) => [name, { queue, clock: clockOf(queue) }]));
  return {
    byModel: Map.groupBy(clocks.values(), clock => clock.model),
    clockOf,
    queueOf: place => must(fairQueues.get(nameOf(place))),
  };
}

const clockName = ({ model, priority }: Pick<Clock, 'model' | 'priority'>) => `${model} ${priority}`;

async function loadClocks(keys: readonly QueueKey[], tx: WriteContext['tx']): Promise<Map<string, Clock>> {
  const models = [...new Set(keys.map(key => key.model))];
  const load = async () => new Map((await tx.first(CLOCKS, models)).map(clock => [clockName(clock), clock]));
  const clocks = await load();
  const missing = new Map(
    keys.filter(key => !clocks.has(clockName(key))).map(key => [clockName(key), newClock(key)]),
  );
  if (missing.size === 0) return clocks;
  await tx.insert('fair_clock', [...missing.values()]);
  return await load();
}

async function findQueues(
  keys: ReadonlyMap<string, QueueKey>,
  tx: WriteContext['tx'],
): Promise<Map<string, Row<'queue'>>> {
  const found = await tx.find('queue', KEY, [...keys.values()].map(valuesOf));
  return new Map(found.map(queue => [nameOf(queue), queue]));
}

const newClock = ({ model, priority }: QueueKey): NewRow<'fair_clock'> => ({
  model,
  priority,
  virtual_time: 0,
  tail_rank: 0,
  dispatched_at: 0,
  average_run_ms: 0,
  pending: 0,
  running: 0,
});

/**
 * Moves waiting jobs with new exclusions to queues in which miners search past them. Runs are in such queues already.
 */
export async function toRetryQueues(
  changes: readonly JobChange[],
  context: Pick<WriteContext, 'tx'>,
): Promise<readonly JobChange[]> {
  const moves = ({ before, after }: JobChange) =>
    after.status === 'pending' &&
    after.role === 'ordinary' &&
    before.owners === null &&
    after.owners !== null;
  const moving = changes.filter(moves);
  if (moving.length === 0) return changes;
  const queueIds = [...new Set(moving.map(({ before }) => before.queue_id))];
  const queues = await context.tx.load('queue', 'id', queueIds);
  const places = new Map(queues.map(({ id, ...place }) => [id, { ...place, restriction: RETRIES }]));
  const jobQueues = await loadJobQueues([...places.values()], context);
  return changes.map(change => {
    const place = moves(change) && places.get(change.before.queue_id);
    return place
      ? { ...change, after: { ...change.after, queue_id: jobQueues.queueOf(place).queue.id } }
      : change;
  });
}

function must<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('A row that this transaction made is missing');
  return value;
}
