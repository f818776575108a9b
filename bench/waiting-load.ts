import { performance } from 'node:perf_hooks';
import { parseArgs } from 'node:util';
import { type Connection, openConnection } from './connection.ts';

/*
 * The load of clients beside many miners that wait. Each miner has a connection of its own, on which it waits for a job,
 * completes it and waits again. Each client submits its next job when its last one is completed, so that the number of
 * jobs under way is the same however many miners wait. Prints completed jobs per second as JSON.
 */

const MODEL = 'bench';
const SUBMIT = JSON.stringify({ prompt: 'p'.repeat(200), model: MODEL });
const RESULT = 'r'.repeat(800);
/** How many miners register at once. */
const REGISTERING = 200;

const { values } = parseArgs({
  options: {
    url: { type: 'string', default: '' },
    clients: { type: 'string', default: '32' },
    miners: { type: 'string', default: '64' },
    seconds: { type: 'string', default: '10' },
    warmup: { type: 'string', default: '3' },
  },
});

const url = new URL(values.url);
const completedBy = new Map<string, () => void>();
/** Jobs that were completed before their client had read the answer to its submission. */
const completedEarly = new Set<string>();
let completed = 0;
let stopping = false;

async function register(minerId: string): Promise<Connection> {
  const connection = await openConnection(url);
  const registration = { miner_id: minerId, capabilities: [MODEL] };
  await connection.post('/v1/miners/register', JSON.stringify(registration));
  return connection;
}

async function mine(connection: Connection, minerId: string): Promise<void> {
  const claim = JSON.stringify({ max: 1, wait: 30 });
  const complete = JSON.stringify({ miner_id: minerId, result: RESULT });
  while (!stopping) {
    const jobId = jobIdIn(await connection.post(`/v1/miners/${minerId}/claims`, claim));
    if (!jobId) continue;
    await connection.post(`/v1/jobs/${jobId}/complete`, complete);
    completed++;
    const tell = completedBy.get(jobId);
    if (tell) tell();
    else completedEarly.add(jobId);
  }
}

async function submit(connection: Connection): Promise<void> {
  while (!stopping) {
    const jobId = jobIdIn(await connection.post('/v1/jobs', SUBMIT));
    if (!jobId) throw new Error('A submission was answered without a job');
    if (!completedEarly.delete(jobId))
      await new Promise<void>(resolve => {
        completedBy.set(jobId, resolve);
      });
    completedBy.delete(jobId);
  }
}

const jobIdIn = (json: string) => /"job_id":"([^"]+)"/.exec(json)?.[1];
const pause = (seconds: number) => new Promise<void>(over => setTimeout(over, seconds * 1000));

const miners: { id: string; connection: Connection }[] = [];
const ids = Array.from({ length: Number(values.miners) }, (_, index) => `waiting-${index}`);
for (let first = 0; first < ids.length; first += REGISTERING) {
  const some = ids.slice(first, first + REGISTERING);
  miners.push(...(await Promise.all(some.map(async id => ({ id, connection: await register(id) })))));
}
const clients = await Promise.all(Array.from({ length: Number(values.clients) }, () => openConnection(url)));
const failing = Promise.race([
  ...miners.map(({ id, connection }) => mine(connection, id)),
  ...clients.map(submit),
]);

await Promise.race([failing, pause(Number(values.warmup))]);
const [before, began] = [completed, performance.now()];
await Promise.race([failing, pause(Number(values.seconds))]);
const perSecond = (completed - before) / ((performance.now() - began) / 1000);
stopping = true;
process.stdout.write(`${JSON.stringify({ perSecond })}\n`);
process.exit(0);
