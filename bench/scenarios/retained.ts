import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { type RunningCoordinator, startCoordinator } from '../../packages/coordinator/src/index.ts';
import { newRecord } from '../../packages/coordinator/src/miners/reputation.ts';
import { CoordinatorClient } from '../../packages/sdk/src/index.ts';
import type { Progress } from './progress.ts';

export interface Retained {
  /** The number of models' names, each used once. */
  names: number;
  /** The number of chunks that a reader of a stream leaves unread. */
  chunks: number;
  /** The heap that each use leaves behind, in bytes. */
  uses: { use: string; bytes: number }[];
  /** One line for each use that leaves more than MOST_RETAINED. */
  missed: string[];
}

/** 100,000 names, or 2,000 chunks of 15 kB, are more than twice as much where nothing bounds what is kept of them. */
export const MOST_RETAINED = 10 * 2 ** 20;

export const CHUNKS = 2_000;
const CHUNK = '\u2665'.repeat(5_000);

/** Measures what a coordinator in this process keeps of names that anybody may make up, and of text that nobody reads. */
export async function retained(names: number, progress: Progress): Promise<Retained> {
  const data = await mkdtemp(join(tmpdir(), 'aitbc-bench-'));
  const options = {
    port: 0,
    data,
    logLevel: 'silent',
    background: false,
    streamLimit: 64 * 2 ** 20,
  } as const;
  const coordinator = await startCoordinator(options);
  try {
    const uses: Retained['uses'] = [];
    for (const [use, once] of Object.entries(usesOfNames(coordinator))) {
      progress(`${names} ${use}`);
      uses.push({ use, bytes: retainedBy(names, once) });
    }
    progress(`${CHUNKS} chunks that a follower does not read`);
    uses.push({ use: 'unread chunks', bytes: await retainedByUnread(coordinator) });
    const missed = uses.filter(({ bytes }) => bytes > MOST_RETAINED).map(({ use }) => use);
    return { names, chunks: CHUNKS, uses, missed };
  } finally {
    await coordinator.close();
    await rm(data, { recursive: true });
  }
}

function usesOfNames({ modules }: RunningCoordinator): Record<string, (model: string) => unknown> {
  const { directory } = modules.miners;
  const queueOf = (model: string) => ({
    model,
    region: '',
    min_vram_gb: 0,
    needs: '',
    min_context: 0,
    miners: '',
    passport_demand: '',
  });
  return {
    'questions who could run a model': model => directory.reach(queueOf(model)),
    'offers of a miner': model =>
      directory.apply([
        { type: 'miner.changed', miner: { ...MINER, capabilities: JSON.stringify([model]) } },
      ]),
    'jobs for a model': model =>
      modules.scheduling.apply([{ type: 'jobs.ready', queue: queueOf(model), count: 1 }]),
  };
}

function retainedBy(names: number, use: (model: string) => unknown): number {
  const before = usedHeap();
  for (let count = 0; count < names; count++) use(`${'model-'.repeat(20)}${count}`);
  return usedHeap() - before;
}

/** Follows a stream, reads its first chunk, and measures while a miner posts all others. */
async function retainedByUnread({ url, modules }: RunningCoordinator): Promise<number> {
  const { accounts, streaming } = modules;
  const client = new CoordinatorClient(url);
  await client.miners.register({ miner_id: 'talks', capabilities: ['talk'] });
  const { job_id } = await client.jobs.submit({ prompt: 'Hello', model: 'talk', stream: true });
  await client.miners.claimJobs('talks');
  const post = (first: number) =>
    streaming.chunks.post(accounts.anonymous as never, { minerId: 'talks', epoch: undefined }, job_id, {
      ...{ attempt: undefined, first },
      chunks: Array(100).fill({ kind: 'text', text: CHUNK }),
    });
  const { signal } = new AbortController();
  const following = await streaming.events.follow(accounts.anonymous as never, job_id, { signal });
  const events = following?.[Symbol.asyncIterator]();
  await post(0);
  for (let event = await events?.next(); event?.value?.event !== 'chunk'; ) event = await events?.next();
  const before = usedHeap();
  for (let first = 100; first < CHUNKS; first += 100) await post(first);
  const bytes = usedHeap() - before;
  await client.jobs.cancel(job_id);
  let read = 1;
  for (let event = await events?.next(); !event?.done; event = await events?.next())
    if (event?.value.event === 'chunk') read++;
  if (read !== CHUNKS) throw new Error(`Of ${CHUNKS} chunks the follower got ${read}`);
  return bytes;
}

let collectGarbage: (() => void) | undefined;

function usedHeap(): number {
  if (!collectGarbage) {
    setFlagsFromString('--expose-gc');
    collectGarbage = runInNewContext('gc') as () => void;
  }
  collectGarbage();
  return process.memoryUsage().heapUsed;
}

const MINER = {
  id: 'any',
  owner_id: 1,
  payee_id: 1,
  abilities: null,
  passports: null,
  probation: 0,
  owner_address: null,
  gpu_info: null,
  vram_gb: null,
  region: null,
  concurrency: null,
  public_key: null,
  epoch: 1,
  session: null,
  key_proven: 0,
  loaded: null,
  status: 'online' as const,
  draining: 0,
  running: 0,
  completed: 0,
  failed: 0,
  operator_id: 1,
  ...newRecord(0),
  registered_at: 0,
  last_seen_at: 0,
};
