import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Task } from '../define-module.ts';
import type { Store } from '../store/store.ts';
import type { Deliverer } from './deliverer.ts';

/** Other processes' events and retries that become due are noticed after this time at the latest. */
const LOOK_AGAIN_MS = 1_000;

/** Events that are committed within this time are leased together. */
const GATHER_MS = 25;

/** Wakes the task that makes deliveries. */
export interface WakeUp {
  now(): void;
  /** Together with others that come soon. */
  soon(): void;
  /** Resolves when woken, after `ms`, or when `signal` aborts. */
  wait(ms: number, signal: AbortSignal): Promise<void>;
}

export function createWakeUp(): WakeUp {
  let isWoken = false;
  let isGathering = false;
  let resolveWait = () => {};
  const now = () => {
    isWoken = true;
    resolveWait();
  };
  return {
    now,
    soon() {
      if (isGathering) return;
      isGathering = true;
      setTimeout(() => {
        isGathering = false;
        now();
      }, GATHER_MS).unref();
    },
    async wait(ms, signal) {
      const over = new AbortController();
      const woken = new Promise<void>(resolve => (resolveWait = resolve));
      const either = AbortSignal.any([signal, over.signal]);
      if (!isWoken && !signal.aborted)
        await Promise.race([woken, sleep(ms, undefined, { signal: either }).catch(() => {})]);
      over.abort();
      isWoken = false;
    },
  };
}

/** The background task that makes deliveries until it is stopped. Then what is under way is given up, and counts as untried. */
export function createDeliveryTask(deliverer: Deliverer, wakeUp: WakeUp, store: Store): Task {
  store.onCommit(events => {
    if (events.some(event => event.type === 'webhook.due')) wakeUp.soon();
  });
  return {
    name: 'webhooks.deliver',
    everyMs: LOOK_AGAIN_MS,
    rest: 0,
    async step(stopped) {
      await wakeUp.wait(LOOK_AGAIN_MS, stopped);
      if (!stopped.aborted) {
        await Promise.race([deliverer.placeFree(), once(stopped, 'abort')]);
        if (await deliverer.start(stopped)) wakeUp.now();
      }
      if (stopped.aborted) await deliverer.idle();
      return !stopped.aborted;
    },
  };
}
