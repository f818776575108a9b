import { setTimeout } from 'node:timers/promises';
import type { FastifyBaseLogger } from 'fastify';
import type { Rooms } from './rooms.ts';
import type { Operation } from './store/operation.ts';
import type { Store } from './store/store.ts';

export interface Sweeper {
  stop(): Promise<void>;
}

/** Enforces time at intervals until stopped. What fails is logged and tried again. */
export function startSweeper(
  { store, sweep, erase }: Rooms,
  everyMs: number,
  log: FastifyBaseLogger,
): Sweeper {
  const stopped = new AbortController();
  const { signal } = stopped;
  const loops = [
    repeat(store, sweep, { everyMs, rest: 0, signal, log }),
    // Nobody waits for it, so that the most of the time is left to other writes.
    repeat(store, erase, { everyMs, rest: 4, signal, log }),
  ];
  return {
    async stop() {
      stopped.abort();
      await Promise.all(loops);
    },
  };
}

interface Repeating {
  everyMs: number;
  /** Pause between steps that follow each other, as a multiple of what a step took. */
  rest: number;
  signal: AbortSignal;
  log: FastifyBaseLogger;
}

async function repeat(
  store: Store,
  step: Operation<undefined, { more: boolean }>,
  { everyMs, rest, signal, log }: Repeating,
): Promise<void> {
  while (!signal.aborted) {
    const began = performance.now();
    let more = false;
    try {
      const outcome = await store.write(step, undefined);
      more = outcome.ok && outcome.value.more;
    } catch (error) {
      log.error({ err: error }, `${step.name} failed`);
    }
    const pauseMs = more ? rest * (performance.now() - began) : everyMs;
    if (pauseMs > 0) await setTimeout(pauseMs, undefined, { signal }).catch(() => {});
  }
}
