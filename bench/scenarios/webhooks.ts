import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { type LoadOptions, load } from '../generator.ts';
import { type Latency, type LoadResult, medianOf } from '../results.ts';
import { type OwnServer, type StoreName, startCoordinator, startProgram } from '../server.ts';
import type { Progress } from './progress.ts';

/** What the receivers say of themselves. */
export interface Received {
  /** Of all receivers but the last, which hangs. */
  deliveries: number;
  /** Deliveries that had arrived before. */
  doubles: number;
  /** Requests that the hanging receiver got. */
  hanging: number;
  urls: string[];
  /** The time from an event to its delivery, for each receiver that got some. */
  delays: Latency[];
}

/** A run of deliveries to many receivers. */
export interface Delivered {
  /** Deliveries to the receivers that answer. */
  deliveries: number;
  doubles: number;
  hanging: number;
  /** From the first event to the last delivery. */
  seconds: number;
  perSecond: number;
  /** The most bytes in memory. */
  memory: number;
  delays: Latency[];
}

export interface WebhookLoad {
  receivers: number;
  /** While one of the receivers hangs. */
  oneHangs: Delivered;
  /** While that one answers like the others. */
  allAnswer: Delivered;
  /** Lifecycles of an account without a webhook, and of one with a webhook for completed jobs. */
  without: LoadResult;
  with: LoadResult;
  ratio: number;
}

export interface WebhookOptions extends Pick<LoadOptions, 'connections' | 'seconds' | 'warmup'> {
  store: StoreName;
  rounds: number;
  receivers?: number;
}

const RECEIVERS = 50;
const LOOK_MS = 50;
const JOBS_PER_REQUEST = 1_000;
/** How many jobs are cancelled at once. */
const CANCELS = 64;

const FLAGS = [
  ...['--webhook-allow', '127.0.0.1', '--webhooks-per-account', '1000', '--limits', 'off'],
  // All receivers are of one account, which gets a quarter.
  ...['--webhook-concurrency', '1024'],
];
const PROGRAM = fileURLToPath(new URL('../receivers.ts', import.meta.url));

/** Measures deliveries to many receivers of which one hangs, and what a webhook costs its account's jobs. */
export async function webhooks(
  count: number,
  { receivers = RECEIVERS, ...options }: WebhookOptions,
  progress: Progress,
): Promise<WebhookLoad> {
  const { store } = options;
  const allAnswer = await deliver(count, { receivers, store, hangs: false }, progress);
  const oneHangs = await deliver(count, { receivers, store, hangs: true }, progress);
  const without: LoadResult[] = [];
  const withOne: LoadResult[] = [];
  for (let round = 1; round <= options.rounds; round++) {
    progress(`Round ${round} of ${options.rounds}: without a webhook, then with one`);
    without.push(await lifecycles(options, false));
    withOne.push(await lifecycles(options, true));
  }
  const before = medianOf(without, result => result.perSecond);
  const after = medianOf(withOne, result => result.perSecond);
  const ratio = after.perSecond / before.perSecond;
  return { receivers, oneHangs, allAnswer, without: before, with: after, ratio };
}

async function deliver(
  count: number,
  { receivers, store, hangs }: { receivers: number; store: StoreName; hangs: boolean },
  progress: Progress,
): Promise<Delivered> {
  progress(
    `${count} deliveries to ${receivers} receivers, ${hangs ? 'of which one hangs' : 'which all answer'}`,
  );
  const more = hangs ? [] : ['--all-answer'];
  const received = await startProgram([PROGRAM, '--count', String(receivers), ...more]);
  const server = await startCoordinator({ store, flags: FLAGS });
  try {
    const { urls } = await readReceived(received);
    for (const url of urls) await registerWebhook(server, url, 'job.cancelled');
    const events = Math.ceil(count / receivers);
    const expected = events * (hangs ? receivers - 1 : receivers);
    const jobs = await submit(server, events);
    const start = performance.now();
    await cancel(server, jobs);
    progress(`${events} jobs were cancelled after ${((performance.now() - start) / 1000).toFixed(1)} s`);
    let memory = 0;
    for (;;) {
      const { deliveries, doubles, hanging, delays } = await readReceived(received);
      memory = Math.max(memory, server.residentBytes());
      const seconds = (performance.now() - start) / 1000;
      if (deliveries - doubles >= expected)
        return { deliveries, doubles, hanging, seconds, perSecond: deliveries / seconds, memory, delays };
      await pause(LOOK_MS);
    }
  } finally {
    await server.stop();
    await received.stop();
  }
}

async function lifecycles(options: WebhookOptions, isTold: boolean): Promise<LoadResult> {
  const received = await startProgram([PROGRAM, '--count', '2']);
  const server = await startCoordinator({ store: options.store, flags: FLAGS });
  try {
    const [url = ''] = (await readReceived(received)).urls;
    if (isTold) await registerWebhook(server, url, 'job.completed');
    if (options.warmup > 0) await server.settle?.();
    return await load(server, options);
  } finally {
    await server.stop();
    await received.stop();
  }
}

export const readReceived = async ({ url }: OwnServer) => (await (await fetch(url)).json()) as Received;

async function post<Body>({ url }: OwnServer, path: string, body: object): Promise<Body> {
  const headers = { 'content-type': 'application/json' };
  const answer = await fetch(url + path, { method: 'POST', headers, body: JSON.stringify(body) });
  if (!answer.ok) throw new Error(`POST ${path}: ${await answer.text()}`);
  return (await answer.json()) as Body;
}

export const registerWebhook = (server: OwnServer, url: string, event: string) =>
  post(server, '/v1/webhooks', { url, events: [event] });

async function submit(server: OwnServer, count: number): Promise<string[]> {
  const ids: string[] = [];
  while (ids.length < count) {
    const length = Math.min(JOBS_PER_REQUEST, count - ids.length);
    const jobs = Array.from({ length }, () => ({ prompt: 'Hello', model: 'bench' }));
    const made = await post<{ jobs: { job_id: string }[] }>(server, '/v1/jobs/batch', { jobs });
    ids.push(...made.jobs.map(({ job_id }) => job_id));
  }
  return ids;
}

async function cancel(server: OwnServer, ids: readonly string[]): Promise<void> {
  for (let from = 0; from < ids.length; from += CANCELS)
    await Promise.all(ids.slice(from, from + CANCELS).map(id => post(server, `/v1/jobs/${id}/cancel`, {})));
}
