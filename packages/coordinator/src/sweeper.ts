import { setTimeout } from 'node:timers/promises';
import type { FastifyBaseLogger } from 'fastify';
import type { Rooms } from './rooms.ts';
import type { Operation } from './store/operation.ts';
import type { Store } from './store/store.ts';
import { StoreUnavailable } from './store/unavailable.ts';

export interface Sweeper {
  stop(): Promise<void>;
}

/**
 * Enforces time at intervals until stopped. What fails is logged and tried again. Since it asks at all times, it is
 * who says that the database is away, and when it is back: once each, however many requests fail meanwhile.
 */
export function startSweeper(
  { store, sweep, erase }: Rooms,
  everyMs: number,
  log: FastifyBaseLogger,
): Sweeper {
  const stopped = new AbortController();
  const { signal } = stopped;
  const outcomes = watchOutcomes(log);
  const loops = [
    repeat(store, sweep, { everyMs, rest: 0, signal, outcomes }),
    // Nobody waits for it, so that the most of the time is left to other writes.
    repeat(store, erase, { everyMs, rest: 4, signal, outcomes }),
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
  outcomes: Outcomes;
}

async function repeat(
  store: Store,
  step: Operation<undefined, { more: boolean }>,
  { everyMs, rest, signal, outcomes }: Repeating,
): Promise<void> {
  while (!signal.aborted) {
    const began = performance.now();
    let more = false;
    try {
      const outcome = await store.write(step, undefined);
      more = outcome.ok && outcome.value.more;
      outcomes.succeeded();
    } catch (error) {
      outcomes.failed(step.name, error);
    }
    const pauseMs = more ? rest * (performance.now() - began) : everyMs;
    if (pauseMs > 0) await setTimeout(pauseMs, undefined, { signal }).catch(() => {});
  }
}

interface Outcomes {
  succeeded(): void;
  failed(step: string, error: unknown): void;
}

function watchOutcomes(log: FastifyBaseLogger): Outcomes {
  let isAway = false;
  return {
    succeeded() {
      if (isAway) log.info('the database answers again');
      isAway = false;
    },
    failed(step, error) {
      if (!(error instanceof StoreUnavailable)) return log.error({ err: error }, `${step} failed`);
      if (!isAway) log.error({ err: error }, 'the database does not answer');
      isAway = true;
    },
  };
}
