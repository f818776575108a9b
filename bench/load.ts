import { createHistogram, performance, type RecordableHistogram } from 'node:perf_hooks';
import { parseArgs } from 'node:util';
import { type Connection, openConnection } from './connection.ts';
import { readProcessorTime } from './processor-time.ts';
import { type Cores, FETCHES, type Latencies, type LoadResult, latencyOf, PARTS } from './results.ts';

/*
 * The load generator, in its own process. Each connection is a client and a miner in turn: it submits a job,
 * claims the next job, which usually another connection submitted, and completes it. It claims like the agent
 * does, with /v1/miners/{id}/claims, one job at a time. The result is read as clients do: by a GET of the completed
 * job, or by a GET that waits, which a second connection sends as soon as the job is submitted.
 */

const MODEL = 'bench';
const SUBMIT = JSON.stringify({ prompt: 'p'.repeat(200), model: MODEL });
const CLAIM = JSON.stringify({ max: 1 });
const RESULT = 'r'.repeat(800);
const WAIT_SECONDS = 30;

const { values } = parseArgs({
  options: {
    url: { type: 'string', default: 'http://127.0.0.1:8000' },
    connections: { type: 'string', default: '64' },
    seconds: { type: 'string', default: '10' },
    warmup: { type: 'string', default: '3' },
    'server-pid': { type: 'string' },
    'database-pid': { type: 'string' },
    lifecycles: { type: 'string' },
    rate: { type: 'string' },
    fetch: { type: 'string', default: 'none' },
    progress: { type: 'boolean', default: false },
  },
});

const histograms = Object.fromEntries(PARTS.map(part => [part, createHistogram()])) as Record<
  keyof Latencies,
  RecordableHistogram
>;
/** When the unfinished jobs were submitted. */
const submittedAt = new Map<string, number>();
let recording = false;
let completed = 0;
let claimed = 0;
let emptyClaims = 0;
let stopping = false;
const measured = { server: values['server-pid'], database: values['database-pid'] };
/** How long a connection takes for each lifecycle at least, so that all together do no more than `--rate`. */
const everyMs = values.rate === undefined ? 0 : (Number(values.connections) * 1000) / Number(values.rate);
const limit = Number(values.lifecycles ?? Infinity);
const fetches = FETCHES.find(name => name === values.fetch);
if (fetches === undefined) throw new Error(`--fetch must be one of ${FETCHES.join(', ')}`);

function record(part: keyof Latencies, since: number) {
  if (recording) histograms[part].record(Math.max(1, Math.round((performance.now() - since) * 1000)));
}

async function lifecycles(connection: Connection, waiting: Connection, minerId: string): Promise<void> {
  const complete = JSON.stringify({ miner_id: minerId, result: RESULT });
  // Connections begin one after the other, so that their requests do not come at the same moments.
  let due = performance.now() + Math.random() * everyMs;
  while (!stopping && claimed < limit) {
    if (everyMs > 0) await pause((due - performance.now()) / 1000);
    due = Math.max(due + everyMs, performance.now() - everyMs);
    const submitting = performance.now();
    const submitted = jobIdIn(await connection.post('/v1/jobs', SUBMIT));
    record('submit', submitting);
    if (submitted) submittedAt.set(submitted, submitting);
    const awaited =
      fetches === 'wait' ? waiting.get(`/v1/jobs/${submitted}?wait=${WAIT_SECONDS}`) : undefined;

    const claiming = performance.now();
    const jobId = jobIdIn(await connection.post(`/v1/miners/${minerId}/claims`, CLAIM));
    record('claim', claiming);
    if (!jobId) {
      if (recording) emptyClaims++;
      await awaited;
      continue;
    }
    claimed++;

    const completing = performance.now();
    await connection.post(`/v1/jobs/${jobId}/complete`, complete);
    record('complete', completing);
    const since = submittedAt.get(jobId);
    if (since !== undefined) record('submit-to-result', since);
    submittedAt.delete(jobId);
    const fetching = performance.now();
    if (fetches !== 'none') requireResult(await (awaited ?? connection.get(`/v1/jobs/${jobId}`)));
    if (fetches === 'get') record('fetch', fetching);
    if (recording) completed++;
    if (values.progress && completed % 1000 === 0) process.stderr.write(`${completed}\n`);
  }
}

const jobIdIn = (json: string) => /"job_id":"([^"]+)"/.exec(json)?.[1];

function requireResult(job: string): void {
  if (!job.includes(RESULT)) throw new Error(`A completed job has no result: ${job.slice(0, 300)}`);
}

async function run(): Promise<LoadResult> {
  const url = new URL(values.url);
  const openAll = () =>
    Promise.all(Array.from({ length: Number(values.connections) }, () => openConnection(url)));
  const connections = await openAll();
  const waiting = fetches === 'wait' ? await openAll() : connections;
  const minerIds = connections.map((_, index) => `bench-${process.pid}-${index}`);
  for (const [index, connection] of connections.entries()) {
    const registration = { miner_id: minerIds[index], capabilities: [MODEL] };
    await connection.post('/v1/miners/register', JSON.stringify(registration));
  }
  const running = connections.map((connection, index) =>
    lifecycles(connection, waiting[index] ?? connection, minerIds[index] ?? ''),
  );
  const failing = Promise.all(running);

  await Promise.race([failing, pause(Number(values.warmup))]);
  recording = true;
  const start = performance.now();
  const before = readProcessorTime(measured);
  if (values.lifecycles === undefined) await Promise.race([failing, pause(Number(values.seconds))]);
  else await failing;
  recording = false;
  const seconds = (performance.now() - start) / 1000;
  const after = readProcessorTime(measured);
  stopping = true;
  await failing;
  for (const connection of [...connections, ...waiting]) connection.close();
  const rate = (part: keyof Cores) => {
    const [from, to] = [before[part], after[part]];
    return from === null || to === null ? null : (to - from) / seconds;
  };
  return {
    lifecycles: completed,
    perSecond: completed / seconds,
    emptyClaims,
    cores: {
      generator: (after.generator - before.generator) / seconds,
      server: rate('server'),
      database: rate('database'),
      busy: rate('busy'),
      given: rate('given'),
    },
    latencies: Object.fromEntries(PARTS.map(part => [part, latencyOf(histograms[part])])) as Latencies,
  };
}

const pause = (seconds: number) => new Promise<void>(over => setTimeout(over, seconds * 1000));

process.stdout.write(`${JSON.stringify(await run())}\n`);
