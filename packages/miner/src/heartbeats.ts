import type { HeartbeatAnswer } from '@aitbc/protocol';
import { type CoordinatorClient, isCoordinatorError } from '@aitbc/sdk';
import type { Backend } from './backend.ts';
import { pause } from './backoff.ts';
import type { Claims } from './claims.ts';
import type { MinerEventHandler } from './events.ts';
import type { Link } from './link.ts';
import { epochOf, type Registration } from './registration.ts';
import type { Slots } from './slots.ts';

/** How long a heartbeat waits for the engine to report its loaded models. */
const LOADED_TIMEOUT_MS = 2_000;

/** The wait after an answer that came early. */
const SOON_MS = 200;

export interface HeartbeatOptions {
  client: CoordinatorClient;
  minerId: string;
  slots: Slots;
  claims: Claims;
  registration: Registration;
  link: Link;
  emit: MinerEventHandler;
  backend: Pick<Backend, 'loaded'>;
  /** Hands back a job that the coordinator believes to run here. */
  release: (jobId: string) => Promise<void>;
}

export interface Heartbeats {
  /** Sends one heartbeat. Rejects when the coordinator answers with a permanent error. */
  beat(signal: AbortSignal): Promise<void>;
  /**
   * Keeps one heartbeat request under way until the signal aborts, renewed at the interval that the
   * coordinator sets.
   */
  loop(signal: AbortSignal): Promise<void>;
}

export function createHeartbeats(options: HeartbeatOptions): Heartbeats {
  const { client, minerId, slots, claims, registration, link, emit, backend, release } = options;
  let wasDraining = false;
  let wasSuspended = false;

  /**
   * Hands back jobs that are leased to this miner but unknown to it, because an answer was lost or the miner
   * restarted. A claim under way may still bring such a job, so it is aborted first.
   */
  async function releaseUnknown({ jobs }: HeartbeatAnswer, known: readonly string[], asked: number) {
    const isUnknown = (jobId: string) => !known.includes(jobId) && !slots.hasRun(jobId, asked);
    const suspects = jobs.map(job => job.job_id).filter(isUnknown);
    if (suspects.length === 0) return;
    await claims.interrupt();
    // A job that has ended since is an error, and one that can not be handed back now comes with the next
    // heartbeat again.
    await Promise.allSettled(suspects.filter(isUnknown).map(release));
  }

  /**
   * Reports draining by somebody else. An answer to a heartbeat sent before the miner paused or resumed
   * itself is ignored.
   */
  function tellDraining({ status }: HeartbeatAnswer, opened: AbortSignal, signal: AbortSignal): void {
    const isSame = registration.open === opened && !opened.aborted;
    const isDraining = status === 'draining' && isSame && !signal.aborted;
    if (isDraining && !wasDraining) emit({ event: 'drained' });
    wasDraining = isDraining;
  }

  function tellSuspended({ suspended }: HeartbeatAnswer): void {
    // Coordinators before 0.2 do not send this field.
    const isSuspended = suspended === true;
    if (isSuspended !== wasSuspended) emit({ event: isSuspended ? 'suspended' : 'reinstated' });
    wasSuspended = isSuspended;
  }

  async function loadedModels(signal: AbortSignal): Promise<string[] | undefined> {
    const inTime = AbortSignal.any([signal, AbortSignal.timeout(LOADED_TIMEOUT_MS)]);
    const models = await backend.loaded?.(inTime).catch(() => undefined);
    return models?.filter(registration.isOffered);
  }

  /** Sends a heartbeat. The coordinator answers as soon as a job must stop, or after `wait` seconds. */
  async function ask(signal: AbortSignal, wait: number): Promise<HeartbeatAnswer | undefined> {
    const loaded = await loadedModels(signal);
    const known = [...slots.running.keys()];
    const asked = performance.now();
    const opened = registration.open;
    try {
      const options = {
        maxRetries: 0,
        timeout: 10_000,
        signal,
        wait,
        ...(loaded && { loaded }),
        ...epochOf(registration.epoch),
      };
      const answer = await client.miners.heartbeat(minerId, known, options);
      link.up();
      for (const { job_id, status } of answer.stop) {
        // `completed` is this miner's own completion, whose answer may still be under way.
        if (status !== 'completed') slots.stop(job_id, status === 'cancelled' ? 'cancelled' : 'lost');
      }
      tellDraining(answer, opened, signal);
      tellSuspended(answer);
      void releaseUnknown(answer, known, asked);
      return answer;
    } catch (error) {
      if (signal.aborted) return undefined;
      if (isCoordinatorError(error, 'MINER_NOT_FOUND')) await registration.register(signal);
      else link.failed(error);
      return undefined;
    }
  }

  return {
    async beat(signal) {
      await ask(signal, 0);
    },
    async loop(signal) {
      while (!signal.aborted) {
        const asked = performance.now();
        const answer = await ask(signal, registration.heartbeatSeconds);
        const left = registration.heartbeatSeconds * 1000 - (performance.now() - asked);
        // After a stop the next heartbeat comes sooner, as no other stop is heard in between.
        const isTold = answer !== undefined && answer.stop.length > 0;
        await pause(Math.max(0, isTold ? Math.min(left, SOON_MS) : left), signal);
      }
    },
  };
}
