import type { HeartbeatAnswer } from '@aitbc/protocol';
import { type CoordinatorClient, isCoordinatorError } from '@aitbc/sdk';
import type { Backend } from './backend.ts';
import { pause } from './backoff.ts';
import type { Claims } from './claims.ts';
import type { Emit } from './events.ts';
import type { Link } from './link.ts';
import { epochOf, type Registration } from './registration.ts';
import type { Slots } from './slots.ts';

/** An engine that does not say by then what it has in memory is not waited for. */
const LOADED_TIMEOUT_MS = 2_000;

/** After an answer that came early. */
const SOON_MS = 200;

export interface HeartbeatOptions {
  client: CoordinatorClient;
  minerId: string;
  slots: Slots;
  claims: Claims;
  registration: Registration;
  link: Link;
  emit: Emit;
  backend: Pick<Backend, 'loaded'>;
  /** Hands back a job that the coordinator believes to run here. */
  release: (jobId: string) => Promise<void>;
}

export interface Heartbeats {
  /** Sends one. Rejects when the coordinator refuses. */
  beat(signal: AbortSignal): Promise<void>;
  /** Always has one under way, renewed at the interval that the coordinator asks for, until the signal aborts. */
  loop(signal: AbortSignal): Promise<void>;
}

export function createHeartbeats(options: HeartbeatOptions): Heartbeats {
  const { client, minerId, slots, claims, registration, link, emit, backend, release } = options;
  let wasDraining = false;
  let wasSuspended = false;

  /**
   * A job that is leased to this miner but unknown to it comes from an answer that was lost, or from before a restart.
   * The answer may also be still under way.
   */
  async function releaseUnknown({ jobs }: HeartbeatAnswer, known: readonly string[], asked: number) {
    const isUnknown = (jobId: string) => !known.includes(jobId) && !slots.hasRun(jobId, asked);
    const suspects = jobs.map(job => job.job_id).filter(isUnknown);
    if (suspects.length === 0) return;
    await claims.interrupt();
    // One that has ended since is refused; one that can't be handed back now is named by the next heartbeat again.
    await Promise.allSettled(suspects.filter(isUnknown).map(release));
  }

  /** What was asked before the miner drained itself, or came back from that, tells of its own doing. */
  function tellDraining({ status }: HeartbeatAnswer, opened: AbortSignal, signal: AbortSignal): void {
    const isSame = registration.open === opened && !opened.aborted;
    const isDraining = status === 'draining' && isSame && !signal.aborted;
    if (isDraining && !wasDraining) emit({ event: 'drained' });
    wasDraining = isDraining;
  }

  function tellSuspended({ suspended }: HeartbeatAnswer): void {
    // A coordinator that is older says nothing of it.
    const isSuspended = suspended === true;
    if (isSuspended !== wasSuspended) emit({ event: isSuspended ? 'suspended' : 'reinstated' });
    wasSuspended = isSuspended;
  }

  async function loadedModels(signal: AbortSignal): Promise<string[] | undefined> {
    const inTime = AbortSignal.any([signal, AbortSignal.timeout(LOADED_TIMEOUT_MS)]);
    const models = await backend.loaded?.(inTime).catch(() => undefined);
    return models?.filter(registration.isOffered);
  }

  /** Asks the coordinator to answer as soon as there is something to stop, or after `wait` seconds. */
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
        // Completed is how this miner's own completion looks, of which it may not yet have the answer.
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
        // Sooner after it was told to stop something, since nothing is heard meanwhile.
        const isTold = answer !== undefined && answer.stop.length > 0;
        await pause(Math.max(0, isTold ? Math.min(left, SOON_MS) : left), signal);
      }
    },
  };
}
