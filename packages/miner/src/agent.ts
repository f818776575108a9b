import type { GpuInfo } from '@aitbc/protocol';
import { roundCredits } from '@aitbc/receipts';
import { type CoordinatorClient, isCoordinatorError } from '@aitbc/sdk';
import type { StatedAbilities } from './abilities.ts';
import type { Backend } from './backend.ts';
import { type BackoffOptions, pause } from './backoff.ts';
import { createClaims } from './claims.ts';
import type { Emit } from './events.ts';
import { createHeartbeats } from './heartbeats.ts';
import type { Identity } from './identity.ts';
import { type JobRunner, release, runJob } from './job.ts';
import { createLink } from './link.ts';
import { createRegistration, epochOf } from './registration.ts';
import { createSlots, orAborted, type Slots } from './slots.ts';

export interface MinerOptions {
  client: CoordinatorClient;
  /** The caller closes it when the miner has ended. */
  backend: Backend;
  identity: Identity;
  /** Jobs at once. Default 1. */
  concurrency?: number | undefined;
  /** Only these of the backend's models. Default all. */
  models?: readonly string[] | undefined;
  /** What its models can do, where the backend does not tell or its owner knows better. */
  abilities?: StatedAbilities | undefined;
  region?: string | undefined;
  /** ait1…: where its earnings go. Default: its owner's, or without keys its own. */
  address?: string | undefined;
  gpuInfo?: GpuInfo | undefined;
  /** Ends after so many jobs. Default: never. */
  maxJobs?: number | undefined;
  /** Milliseconds that running jobs get to finish when it is stopped. Default 30,000. */
  shutdownTimeout?: number | undefined;
  /** Milliseconds between looks at the backend's models. Default 30,000. */
  modelRefreshMs?: number | undefined;
  backoff?: BackoffOptions | undefined;
  onEvent?: Emit | undefined;
  /** Gets the text of each job piece by piece as it is generated. */
  onToken?: ((jobId: string, piece: string) => void) | undefined;
  /** The coordinator's time, milliseconds since the epoch. Default: that of this machine. */
  now?: (() => number) | undefined;
}

export interface RunningMiner {
  minerId: string;
  /** Resolves when it has stopped, or rejects with what the coordinator refused it for. */
  done: Promise<void>;
  /** Claims nothing more and finishes what runs, or hands it back after the shutdown timeout. */
  stop(): Promise<void>;
  /** Hands back what runs at once. */
  quit(): Promise<void>;
}

/**
 * Registers with the coordinator and runs jobs until it is stopped.
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
    onToken: options.onToken,
    onBackendFailure: registration.failed,
    onReceipt({ price }) {
      registration.proven();
      earned.jobs++;
      earned.credits = roundCredits(earned.credits + price);
      return earned.credits;
    },
  };
  const claims = createClaims({
    ...{ client, minerId, slots, registration, link },
    maxJobs: options.maxJobs ?? Number.POSITIVE_INFINITY,
    start: job => slots.take(job, work => runJob(runner, work)),
    release: jobId => release(runner, jobId, 'it came too late to be started'),
  });
  const heartbeats = createHeartbeats({
    ...{ client, minerId, slots, claims, registration, link, emit, backend },
    release: jobId => release(runner, jobId, 'this miner did not know of it'),
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
    // What it held is the other's to hand back.
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

/** After it was told to hand back everything, a coordinator that does not answer is not waited for longer. */
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

/** Resolves when nothing runs, after `ms`, or when the signal aborts. Leaves no timer that holds up the process. */
async function idleWithin(ms: number, slots: Slots, signal?: AbortSignal): Promise<void> {
  const idle = new AbortController();
  slots.whenIdle().then(() => idle.abort());
  await pause(ms, signal ? AbortSignal.any([idle.signal, signal]) : idle.signal);
}

/** Hands back, too, what a claim brought whose answer nobody waited for. */
async function takeLeave({ client, minerId, registration, emit, earned }: Agent) {
  const options = { ...epochOf(registration.epoch), maxRetries: 0, timeout: 5_000 };
  if (registration.isKnown) await client.miners.deregister(minerId, options).catch(() => {});
  emit({ event: 'stopped', completed: earned.jobs, total_credits: earned.credits });
}
