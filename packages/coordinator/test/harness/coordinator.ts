import type { Job, MinerJob, Problem, Receipt, SubmitJob } from '@aitbc/protocol';
import { afterAll, beforeAll } from 'vitest';
import {
  createIds,
  createKey,
  type RunningCoordinator,
  type Scope,
  type StartOptions,
  startCoordinator,
} from '../../src/index.ts';
import type { Engine } from './engines.ts';

export interface Answer<Body = unknown> {
  status: number;
  headers: Headers;
  body: Body;
}

export interface CallOptions {
  /** Sent as `X-Api-Key`. */
  key?: string;
  headers?: Record<string, string>;
  signal?: AbortSignal;
}

type KeyOptions = Partial<Pick<Parameters<typeof createKey>[1], 'tier' | 'maxPriority' | 'address'>>;

/** A coordinator under test, whose clock only moves when the test moves it. */
export interface TestCoordinator {
  url: string;
  running: RunningCoordinator;
  /** Milliseconds since the epoch. */
  now(): number;
  /** Moves the clock, then enforces what time has brought about. */
  pass(time: { seconds: number }): Promise<void>;
  /** Moves the clock and leaves everything as it is. */
  moveClock(time: { seconds: number }): void;
  call<Body = unknown>(
    method: string,
    path: string,
    body?: unknown,
    options?: CallOptions,
  ): Promise<Answer<Body>>;
  /** Publishes all that the ledger has. */
  publish(): Promise<void>;
  /** Makes an API key and gives its secret. */
  key(...scopes: Scope[]): Promise<string>;
  /** The same, with what the operator may say of it. */
  keyWith(more: KeyOptions, ...scopes: Scope[]): Promise<string>;
  /** Starts it again on the same data, `downtime` seconds later. */
  restart(downtime?: { seconds: number }, changed?: StartOptions): Promise<void>;
  stop(): Promise<void>;
}

const isSentAsIs = (body: unknown) => typeof body === 'string' || body instanceof FormData;

const START = Date.parse('2026-01-24T15:00:00Z');

export async function startTestCoordinator(
  engine: Engine,
  options: StartOptions = {},
): Promise<TestCoordinator> {
  const database = await engine.prepare();
  let time = START;
  const start = (changed: StartOptions = {}) =>
    startCoordinator({
      port: 0,
      logLevel: 'silent',
      // Tests that say no interval sweep and publish themselves, when they have moved the clock.
      background: 'sweepSeconds' in options || 'ledgerInterval' in options,
      sweepSeconds: 60,
      ledgerInterval: 3600,
      // The suite keeps a machine busy. Only tests of overload turn submissions away for it.
      overloadSeconds: 60,
      // Nothing leaves this machine: deliveries are made to it only, and no DNS server is asked.
      webhookAllow: ['127.0.0.1'],
      webhookDns: '127.0.0.1:9',
      webhooksPerAccount: 1_000,
      now: () => time,
      ...database.options,
      ...options,
      ...changed,
    });
  let running = await start();
  let isRunning = true;
  async function close() {
    if (isRunning) await running.close();
    isRunning = false;
  }

  const coordinator: TestCoordinator = {
    get url() {
      return running.url;
    },
    get running() {
      return running;
    },
    now: () => time,
    moveClock({ seconds }) {
      time += seconds * 1000;
    },
    async pass({ seconds }) {
      time += seconds * 1000;
      await running.sweep();
    },
    async call(method, path, body, { key, headers, signal } = {}) {
      const response = await fetch(new URL(path, running.url), {
        method,
        headers: {
          ...(body !== undefined && !(body instanceof FormData) && { 'content-type': 'application/json' }),
          ...(key !== undefined && { 'x-api-key': key }),
          ...headers,
        },
        ...(body !== undefined && { body: isSentAsIs(body) ? body : JSON.stringify(body) }),
        ...(signal && { signal }),
      });
      const text = await response.text();
      const json = /json/.test(response.headers.get('content-type') ?? '');
      return {
        status: response.status,
        headers: response.headers,
        body: (json && text !== '' ? JSON.parse(text) : text) as never,
      };
    },
    publish: () => running.publish(),
    key: (...scopes) => coordinator.keyWith({}, ...scopes),
    async keyWith(more, ...scopes) {
      const { store } = running.modules;
      const id = createIds(() => time).next('key');
      const { key } = await createKey(store, { id, name: null, scopes, expiresAt: null, ...more });
      return key;
    },
    async restart({ seconds } = { seconds: 0 }, changed = {}) {
      await close();
      time += seconds * 1000;
      running = await start(changed);
      isRunning = true;
    },
    async stop() {
      await close();
      await database.remove();
    },
  };
  return coordinator;
}

/** A coordinator for all tests of a `describe`. */
export function withCoordinator(engine: Engine, options: StartOptions = {}): TestCoordinator {
  let started: TestCoordinator | undefined;
  beforeAll(async () => {
    started = await startTestCoordinator(engine, options);
  });
  afterAll(() => started?.stop());
  return new Proxy({} as TestCoordinator, {
    get(_, name) {
      if (!started) throw new Error('The coordinator runs only inside tests');
      return Reflect.get(started, name);
    },
  });
}

export type Actions = ReturnType<typeof actions>;

/** Calls that most tests make, failing where the coordinator refuses. */
export function actions(coordinator: TestCoordinator, key?: string) {
  async function must<Body>(method: string, path: string, body?: unknown): Promise<Body> {
    const answer = await coordinator.call<Body>(method, path, body, key === undefined ? {} : { key });
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${(answer.body as Problem).detail}`);
    return answer.body;
  }

  return {
    submit: (job: Partial<SubmitJob> = {}) =>
      must<Job>('POST', '/v1/jobs', { prompt: 'Hello', model: 'llama3.2', ...job }),
    job: (id: string) => must<Job>('GET', `/v1/jobs/${id}`),
    cancel: (id: string) => must<Job>('POST', `/v1/jobs/${id}/cancel`),
    register: (id: string, more: object = {}) =>
      must('POST', '/v1/miners/register', { miner_id: id, capabilities: ['llama3.2'], ...more }),
    available: (minerId: string) => must<MinerJob | null>('GET', `/v1/jobs/available?miner_id=${minerId}`),
    claim: (jobId: string, minerId: string) =>
      must<MinerJob>('POST', `/v1/jobs/${jobId}/claim`, { miner_id: minerId }),
    claims: async (minerId: string, max = 1) =>
      (await must<{ jobs: MinerJob[] }>('POST', `/v1/miners/${minerId}/claims`, { max })).jobs,
    chunks: (jobId: string, minerId: string, chunks: string[], first = 0) =>
      must('POST', `/v1/jobs/${jobId}/chunks`, { miner_id: minerId, first, chunks }),
    complete: (jobId: string, minerId: string, result = 'Hello, you!', more: object = {}) =>
      must<Receipt>('POST', `/v1/jobs/${jobId}/complete`, { miner_id: minerId, result, ...more }),
    fail: (jobId: string, minerId: string, more: object = {}) =>
      must('POST', `/v1/jobs/${jobId}/fail`, { miner_id: minerId, error: 'Out of memory', ...more }),
    heartbeat: (minerId: string, jobs: string[] = []) =>
      must<{ stop: object[]; jobs: object[] }>('POST', `/v1/miners/${minerId}/heartbeat`, { jobs }),
  };
}
