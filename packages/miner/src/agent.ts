import type { GpuInfo } from '@aitbc/protocol';
import { roundCredits } from '@aitbc/receipts';
import { type CoordinatorClient, isCoordinatorError } from '@aitbc/sdk';
import type { Tracing } from '@aitbc/tracing';
import type { StatedAbilities } from './abilities.ts';
import type { Backend } from './backend.ts';
import { type BackoffOptions, pause } from './backoff.ts';
import { createChunkSender } from './chunk-sender.ts';
import { createClaims } from './claims.ts';
import type { MinerEventHandler } from './events.ts';
import { createHeartbeats } from './heartbeats.ts';
import type { Identity } from './identity.ts';
import { createLink } from './link.ts';
import type { PassportsByModel } from './passports.ts';
import { createRegistration, epochOf } from './registration.ts';
import { type JobRunner, releaseJob, runJob } from './run-job.ts';
import { createSlots, orAborted, type Slots } from './slots.ts';

export interface MinerOptions {
  client: CoordinatorClient;
  /** The caller closes the backend after the miner has ended. */
  backend: Backend;
  identity: Identity;
  /** How many jobs run at once. Default 1. */
  concurrency?: number | undefined;
  /** Which of the backend's models to offer. Default all. */
  models?: readonly string[] | undefined;
  /** What the models can do, when the backend does not report it or the owner knows better. */
  abilities?: StatedAbilities | undefined;
  /** What the owner claims about models. What the backend knows wins. */
  passports?: PassportsByModel | undefined;
  region?: string | undefined;
  /** Where earnings go: `ait1…`. By default the owner's address, or the miner's own without API keys. */
  address?: string | undefined;
  gpuInfo?: GpuInfo | undefined;
  /** The miner ends after this many jobs. By default it never does. */
  maxJobs?: number | undefined;
  /** Milliseconds that running jobs get to finish after a stop. Default 30,000. */
  shutdownTimeout?: number | undefined;
  /** Milliseconds between checks of the backend's models. Default 30,000. */
  modelRefreshMs?: number | undefined;
  backoff?: BackoffOptions | undefined;
  onEvent?: MinerEventHandler | undefined;
  /** Receives the text of each job piece by piece as it is generated. */
  onToken?: ((jobId: string, piece: string) => void) | undefined;
  /** Exports the miner's part of its jobs' traces. */
  tracing?: Tracing | undefined;
  /** Returns the coordinator's time in milliseconds since 1970. By default this machine's time. */
  now?: (() => number) | undefined;
}

export interface RunningMiner {
  minerId: string;
  /** Resolves when the miner has stopped, or rejects with the coordinator's permanent error. */
  done: Promise<void>;
  /** Claims no more jobs. Running jobs may finish, and are handed back after the shutdown timeout. */
  stop(): Promise<void>;
  /** Hands back running jobs at once. */
  quit(): Promise<void>;
}

/**
 * Registers with the coordinator and runs jobs until the miner is stopped.
 *
 * @throws {BackendError} when the backend has nothing to run
 */
export async function startMiner(options: MinerOptions): Promise<RunningMiner> {
  const stopping = new AbortController();
  const quitting = new AbortController();
  const agent = assemble(options, quitting.signal);
  await agent.registration.prepare();
  const done = run(agent, options, stopping, quitting.signal);
  done.catch(() => {});
  return {
    minerId: options.identity.minerId,
    done,
    stop() {
      stopping.abort();
      return done;
    },
    quit() {
      stopping.abort();
      quitting.abort();
      return done;
    },
  };
}

type Agent = ReturnType<typeof assemble>;

function assemble(options: MinerOptions, quitting: AbortSignal) {
  const { client, backend, identity, concurrency = 1, backoff = {}, now = Date.now } = options;
  const { minerId } = identity;
  const emit = options.onEvent ?? (() => {});
  const link = createLink(emit, backoff);
  const slots = createSlots(concurrency);
  const { modelRefreshMs = 30_000 } = options;
  const registration = createRegistration({ ...options, concurrency, link, emit, backoff, modelRefreshMs });
  const earned = { credits: 0, jobs: 0 };
  const runner: JobRunner = {
    ...{ client, backend, identity, registration, emit, backoff, now, quitting },
    sender: createChunkSender({ client, minerId, registration }),
    onToken: options.onToken,
    tracing: options.tracing,
    onBackendFailure: registration.failed,
    onReceipt({ price }) {
      registration.proven();
      earned.jobs++;
      earned.credits = roundCredits(earned.credits + price);
      return earned.credits;
    },
  };
  const claims = createClaims({
    ...{ client, minerId, slots, registration, link, emit },
    maxJobs: options.maxJobs ?? Number.POSITIVE_INFINITY,
    start: job => slots.take(job, work => runJob(runner, work)),
    release: jobId => releaseJob(runner, jobId, 'the claim was answered too late'),
  });
  const heartbeats = createHeartbeats({
    ...{ client, minerId, slots, claims, registration, link, emit, backend },
    release: jobId => releaseJob(runner, jobId, 'this miner does not run it'),
  });
  return { client, minerId, emit, slots, registration, claims, heartbeats, earned };
}

async function run(
  agent: Agent,
  { shutdownTimeout = 30_000 }: MinerOptions,
  stopping: AbortController,
  quitting: AbortSignal,
): Promise<void> {
  const { registration, heartbeats, claims, slots } = agent;
  const ended = new AbortController();
  const crash = Promise.withResolvers<never>();
  let patience = shutdownTimeout;
  try {
    await registration.register(stopping.signal);
    await heartbeats.beat(stopping.signal);
    registration.watch(stopping.signal).catch(crash.reject);
    heartbeats.loop(ended.signal).catch(crash.reject);
    const enough = claims.loop(stopping.signal).then(() => slots.whenIdle());
    await orAborted(Promise.race([enough, crash.promise]), stopping.signal);
  } catch (error) {
    patience = 0;
    // The other process with this id hands back the jobs.
    if (isCoordinatorError(error, 'MINER_SUPERSEDED')) {
      agent.emit({ event: 'superseded', error: error.detail });
      slots.stopAll('lost');
    }
    throw error;
  } finally {
    stopping.abort();
    await shutDown(agent, patience, quitting);
    ended.abort();
    await takeLeave(agent);
  }
}

/** How long the miner waits for the coordinator to take all jobs back. */
const HAND_BACK_MS = 10_000;

async function shutDown(agent: Agent, patience: number, quitting: AbortSignal): Promise<void> {
  const { slots, claims, client, minerId, registration, emit } = agent;
  await claims.interrupt();
  if (slots.running.size === 0) return;
  emit({ event: 'stopping', running: slots.running.size, timeout_seconds: patience / 1000 });
  const options = { ...epochOf(registration.epoch), maxRetries: 0, timeout: 5_000 };
  client.miners.drain(minerId, options).catch(() => {});
  await idleWithin(patience, slots, quitting);
  slots.stopAll('shutdown');
  await idleWithin(HAND_BACK_MS, slots);
}

/**
 * Resolves when nothing runs, after `ms`, or when the signal aborts. Leaves no timer that would keep the
 * process alive.
 */
async function idleWithin(ms: number, slots: Slots, signal?: AbortSignal): Promise<void> {
  const idle = new AbortController();
  slots.whenIdle().then(() => idle.abort());
  await pause(ms, signal ? AbortSignal.any([idle.signal, signal]) : idle.signal);
}

/** Deregistering also hands back jobs from a claim whose answer was not read. */
async function takeLeave({ client, minerId, registration, emit, earned }: Agent) {
  const options = { ...epochOf(registration.epoch), maxRetries: 0, timeout: 5_000 };
  if (registration.isKnown) await client.miners.deregister(minerId, options).catch(() => {});
  emit({ event: 'stopped', completed: earned.jobs, total_credits: earned.credits });
}
